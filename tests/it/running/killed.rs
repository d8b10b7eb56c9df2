//! The bot is killed, or stopped at once, in the middle of a program's call: the program does not outlive it.

use std::{
    fs,
    time::{Duration, Instant},
};

use hallpass::domain::time::Span;
use rustix::process::Signal;

use super::{DOOR, House, PATIENCE, closed};

/// Taking away refuses to end, and takes effect long after every deadline; its process is noted.
fn stubborn() -> String {
    let slow = DOOR.replace("    n=0\n", "    trap '' TERM\n    echo $$ >>\"$here/pids\"\n    n=0\n").replace("-lt 100 ]", "-lt 100000 ]");
    assert!(slow.contains("trap") && slow.contains("100000"));
    slow
}

async fn until_gone(pid: &str) {
    let begun = Instant::now();
    // Dead and not yet reaped by whoever inherited it counts as gone.
    let is_gone = || fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "));
    while !is_gone() {
        assert!(begun.elapsed() < PATIENCE, "{pid} outlives the bot");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn a_call_ends_with_the_bot(signals: &[Signal]) {
    let house = House::new();
    let [first, _] = house.held(Span::ZERO).await;
    house.program("door", &stubborn());
    fs::write(house.at("hold"), "").unwrap();
    let mut bot = house.start();
    bot.until("the revoke was begun", |_| house.read("pids").ends_with('\n')).await;
    let pid = house.read("pids").lines().next().unwrap().to_owned();
    let (last, before) = signals.split_last().unwrap();
    for signal in before {
        bot.signal(*signal);
        bot.until("it was heard", |bot| bot.said().contains("stopping after what was begun")).await;
    }
    bot.signal(*last);
    bot.ended().await;
    until_gone(&pid).await;
    assert!(house.doors().contains(&"ana".to_owned()), "the call took no effect any more");
    fs::remove_file(house.at("hold")).unwrap();
    let mut bot = house.start();
    closed(&house.url(), &mut bot, &first).await;
    assert!(!house.doors().contains(&"ana".to_owned()));
    bot.stop().await;
}

#[tokio::test]
async fn a_program_does_not_outlive_a_bot_that_was_killed() {
    a_call_ends_with_the_bot(&[Signal::KILL]).await;
}

#[tokio::test]
async fn a_program_does_not_outlive_a_stop_that_cannot_wait() {
    a_call_ends_with_the_bot(&[Signal::TERM, Signal::TERM]).await;
}
