//! The operators' program for alarms: it keeps nobody waiting, gets nothing of the bot's environment, and is killed whole.

use std::{fs, path::Path, time::Duration};

use tokio::{task::yield_now, time::timeout};

use crate::world::World;

/// Waits for something that another process brings about.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let waited = timeout(Duration::from_secs(20), async {
        while !done() {
            yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

/// A shell that does this with the alarm in `$alarm` and a folder in `$1`.
async fn world(folder: &Path, script: &str) -> World {
    let script = format!("alarm=$(cat); {script}");
    World::new().await.alarms_run(&["/bin/sh", "-c", &script, "sh", folder.to_str().unwrap()])
}

/// Is it there and no corpse?
fn is_alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_program_that_hangs_keeps_no_channel_and_no_other_alarm_waiting_and_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let script = "case $alarm in *first*) sleep 300 & echo $! > $1/child; wait;; *) echo \"$alarm\" > $1/second;; esac";
    let world = world(folder.path(), script).await;
    world.bot.raise("ledger", "the first thing".into(), None).await.unwrap();
    let workers = world.workers.clone();
    let draining = tokio::spawn(async move { workers.drain().await });
    let child = folder.path().join("child");
    until("the program hangs", || fs::read_to_string(&child).is_ok_and(|pid| pid.ends_with('\n'))).await;
    until("the channel is told meanwhile", || world.console.channel("#ops").contains("the first thing")).await;
    world.bot.raise("disk", "the second thing".into(), None).await.unwrap();
    until("another alarm is told meanwhile", || world.console.channel("#ops").contains("the second thing")).await;
    until("also to the program", || fs::read_to_string(folder.path().join("second")).is_ok_and(|told| told.ends_with('\n'))).await;
    let told: serde_json::Value = serde_json::from_slice(&fs::read(folder.path().join("second")).unwrap()).unwrap();
    assert_eq!((told["id"].as_str(), told["what"].as_str()), (Some("disk"), Some("the second thing")));
    let pid = fs::read_to_string(&child).unwrap();
    assert!(is_alive(&pid));
    draining.abort();
    assert!(draining.await.unwrap_err().is_cancelled());
    until("what it started is killed", || !is_alive(&pid)).await;
}

#[tokio::test]
async fn the_program_gets_the_path_and_nothing_else_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), "env > $1/env").await;
    assert!(std::env::vars_os().count() > 1, "there is something to keep from it");
    world.bot.raise("ledger", "it cannot be sealed".into(), None).await.unwrap();
    world.workers.drain().await.unwrap();
    let env = fs::read_to_string(folder.path().join("env")).unwrap();
    let own = ["PATH", "PWD", "OLDPWD", "SHLVL", "_"];
    let names: Vec<_> = env.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert!(names.contains(&"PATH") && names.iter().all(|name| own.contains(name)), "{names:?}");
}
