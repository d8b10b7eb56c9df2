//! Real disks: one that is full (a small tmpfs filled to its last byte, so SQLite gets ENOSPC) and one that the kernel has
//! turned read-only under open files (ext4's own `abort`, which is what `errors=remount-ro` does after a fault of the disk;
//! chmod does not stop root, and a remount is refused while the file is open).
//! Each test runs itself again in a mount namespace of its own: nothing of it is seen outside, nothing is left behind.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use hallpass::{
    domain::{
        entitlement::Ownership,
        request::{Ending, Remains},
        time::Span,
    },
    store::{Filter, Store},
};

use super::{ASK, Log, granted, held, is_over_rightly, is_sound, is_told_to_press_again};
use crate::world::World;

const INSIDE: &str = "HALLPASS_TEST_MOUNTS";

/// The place for mounts, inside; None outside, after the test ran inside and passed.
fn inside(name: &str) -> Option<PathBuf> {
    if let Some(place) = std::env::var_os(INSIDE) {
        return Some(place.into());
    }
    let place = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.arg(std::env::current_exe().unwrap()).args(["--exact", name, "--include-ignored", "--nocapture"]);
    let ran = command.env(INSIDE, place.path()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    None
}

fn run(program: &str, arguments: &[&str]) {
    let ran = Command::new(program).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Takes every byte that is left, and gives them back when it is dropped.
struct Filler(PathBuf);

impl Filler {
    fn new(folder: &Path) -> Self {
        let path = folder.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        for size in [65_536, 4_096, 1] {
            while file.write(&vec![1; size]).is_ok() {}
        }
        Self(path)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

#[tokio::test]
#[ignore = "needs mounts of its own: scripts/test"]
async fn a_full_disk_grants_nothing_and_ends_on_time() {
    let Some(place) = inside("outage::disk::a_full_disk_grants_nothing_and_ends_on_time") else { return };
    run("mount", &["-t", "tmpfs", "-o", "size=16m", "tmpfs", text(&place)]);
    let log = Log::listen();
    let world = World::on(&format!("sqlite:{}/hallpass.db", place.display()), Ownership::Shared).await;
    let id = granted(&world).await;
    world.advance(Span::from_minutes(59)).await;
    let filler = Filler::new(&place);
    world.clock.advance(Span::from_seconds(62));
    let why = world.workers.drain().await.unwrap_err();
    assert!(why.to_string().contains("full"), "{why}");
    let ended = world.now();
    assert!(!world.holds("ana", "write"), "it ends on time");
    is_told_to_press_again(&world, ASK).await;
    world.clock.advance(Span::from_minutes(20));
    world.workers.drain().await.unwrap_err();
    drop(filler);
    is_over_rightly(&world, &id, &log, ended).await;
    assert!(!world.holds("finn", "write"), "nothing new was granted");
    assert_eq!(world.store.requests(&Filter { limit: 10, ..Filter::default() }).await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "needs mounts of its own: scripts/test"]
async fn a_disk_that_turned_read_only_grants_nothing_and_ends_on_time() {
    let Some(place) = inside("outage::disk::a_disk_that_turned_read_only_grants_nothing_and_ends_on_time") else { return };
    let (image, disk) = (place.join("image"), place.join("disk"));
    fs::create_dir(&disk).unwrap();
    fs::File::create(&image).unwrap().set_len(32 << 20).unwrap();
    run("mkfs.ext4", &["-q", text(&image)]);
    run("mount", &["-o", "loop", text(&image), text(&disk)]);
    let log = Log::listen();
    let url = format!("sqlite:{}/hallpass.db", disk.display());
    let world = World::on(&url, Ownership::Shared).await;
    let id = granted(&world).await;
    world.advance(Span::from_minutes(59)).await;
    run("mount", &["-o", "remount,abort", text(&disk)]);
    world.clock.advance(Span::from_seconds(62));
    world.workers.drain().await.unwrap_err();
    assert!(!world.holds("ana", "write"), "it ends on time");
    assert!(log.count("ERROR", "an end without the store") >= 2);
    is_told_to_press_again(&world, ASK).await;
    // Such a disk is mended and mounted again while the bot is down: what it did stands in its log, and is read back.
    let image_only = world.without_store().await;
    run("umount", &[text(&disk)]);
    run("mount", &["-o", "loop", text(&image), text(&disk)]);
    let world = image_only.with_store(Store::open(&url).await.unwrap()).await;
    world.workers.drain().await.unwrap();
    let (ending, held) = held(&world, &id).await;
    assert_eq!((ending, held.remains), (Ending::Expired, Remains::Nothing));
    assert!(world.store.open_alarms().await.unwrap().is_empty());
    is_sound(&world).await;
    drop(world);
}
