//! The revocation list on disk, and beside it when each revoked certificate ends: what is over everywhere leaves the list
//! again. The list is replaced whole, so that sshd never sees half of one.
//!
//! `LIST.ends` holds records of 16 bytes, serial and end (seconds since 1970), and is only appended to until it is written
//! anew. It is written before the list: a stop in between leaves a record without its serial, which means nothing. A
//! serial without a record stays on the list for ever.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::krl;

/// A certificate is over everywhere this long after its end, in seconds: no clock of a host is further behind.
const CLOCKS_APART: i64 = 24 * 60 * 60;
/// Bytes of a record.
const RECORD: usize = 16;
/// Between two tries to get the lock that somebody else has.
const PAUSE: Duration = Duration::from_millis(20);

/// The list of one authority.
pub(super) struct Revoked {
    path: PathBuf,
    authority: Vec<u8>,
}

impl Revoked {
    /// Reads the list, or begins it. An unreadable one is an error now rather than at the first revoke.
    pub(super) fn open(path: PathBuf, authority: Vec<u8>, now: i64) -> Result<Self, String> {
        let list = Self { path, authority };
        if list.path.exists() {
            list.read()?;
        } else {
            list.replace(&BTreeSet::new(), 1, now).map_err(|error| list.shown(&error))?;
        }
        Ok(list)
    }

    /// The serials and the list's version.
    pub(super) fn read(&self) -> Result<(BTreeSet<u64>, u64), String> {
        let broken = |why: String| format!("the revocation list {} cannot be read: {why}", self.path.display());
        let bytes = std::fs::read(&self.path).map_err(|error| broken(error.to_string()))?;
        krl::read(&bytes, &self.authority).map_err(broken)
    }

    /// Revokes a serial. `end` is when its certificate ends (None: nobody knows), `now` the time, both in real seconds.
    /// What is over everywhere by then leaves the list, if the time is `believed`.
    /// # Errors
    /// Somebody else wrote to it for all of `left`, and nothing was changed; or it cannot be read or written.
    pub(super) async fn add(
        self: &Arc<Self>,
        serial: u64,
        end: Option<i64>,
        now: i64,
        believed: bool,
        left: Duration,
    ) -> Result<(), String> {
        let alone = self.lock(left).await?;
        let list = self.clone();
        let write = move || {
            let put = list.put(serial, end, now, believed);
            drop(alone);
            put
        };
        spawn_blocking(write).await.unwrap_or_else(|error| Err(error.to_string()))
    }

    fn put(&self, serial: u64, end: Option<i64>, now: i64, believed: bool) -> Result<(), String> {
        let failed = |error: io::Error| self.shown(&error);
        let (mut serials, version) = self.read()?;
        if !serials.insert(serial) {
            return Ok(());
        }
        if let Some(end) = end {
            self.append(serial, end).map_err(failed)?;
        }
        let ends = self.ends().map_err(failed)?;
        let is_over = |serial: &u64| believed && ends.get(serial).is_some_and(|end| end.saturating_add(CLOCKS_APART) < now);
        serials.retain(|other| *other == serial || !is_over(other));
        self.replace(&serials, version + 1, now).map_err(failed)?;
        // Records of what has left the list are dropped when they are the most of them.
        if ends.len() > 64 && ends.len() > serials.len() * 2 {
            self.rewrite(ends.iter().filter(|(serial, _)| serials.contains(serial))).map_err(failed)?;
        }
        Ok(())
    }

    /// When each certificate ends, as far as it was written down whole.
    fn ends(&self) -> io::Result<BTreeMap<u64, i64>> {
        let bytes = match std::fs::read(self.beside(".ends")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let mut ends = BTreeMap::new();
        for record in bytes.chunks_exact(RECORD) {
            let (serial, end) = record.split_at(RECORD / 2);
            let (Ok(serial), Ok(end)) = (serial.try_into(), end.try_into()) else { continue };
            // What a crash left of a record that was being written is zeros: it says nothing.
            if let (serial @ 1.., end @ 1..) = (u64::from_be_bytes(serial), i64::from_be_bytes(end)) {
                let known = ends.entry(serial).or_insert(end);
                *known = end.max(*known);
            }
        }
        Ok(ends)
    }

    /// Durable when this returns.
    fn append(&self, serial: u64, end: i64) -> io::Result<()> {
        let path = self.beside(".ends");
        let is_new = !path.exists();
        let mut file = OpenOptions::new().create(true).append(true).mode(0o644).open(&path)?;
        let (length, record) = (file.metadata()?.len(), u64::try_from(RECORD).unwrap_or(16));
        // A record that was cut by a crash must not move those behind it.
        file.set_len(length - length % record)?;
        file.write_all(&[serial.to_be_bytes(), end.to_be_bytes()].concat())?;
        file.sync_all()?;
        if is_new { self.sync_folder() } else { Ok(()) }
    }

    fn rewrite<'e>(&self, ends: impl Iterator<Item = (&'e u64, &'e i64)>) -> io::Result<()> {
        let bytes: Vec<u8> = ends.flat_map(|(serial, end)| [serial.to_be_bytes(), end.to_be_bytes()].concat()).collect();
        self.write_whole(&self.beside(".ends"), &self.beside(".ends.new"), &bytes)
    }

    fn replace(&self, serials: &BTreeSet<u64>, version: u64, now: i64) -> io::Result<()> {
        let bytes = krl::write(&self.authority, serials, version, u64::try_from(now).unwrap_or(0));
        self.write_whole(&self.path, &self.beside(".new"), &bytes)
    }

    /// Written beside and renamed: whoever reads sees the old one or the new one.
    fn write_whole(&self, path: &Path, beside: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o644).open(beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(beside, path)?;
        self.sync_folder()
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()
    }

    /// One writer at a time, of this process and of other replicas. The lock is a file of its own, since the list is replaced.
    async fn lock(&self, left: Duration) -> Result<File, String> {
        let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(self.beside(".lock"));
        let file = opened.map_err(|error| self.shown(&error))?;
        let locking = async {
            loop {
                match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                    Err(Errno::WOULDBLOCK) => sleep(PAUSE).await,
                    done => return done,
                }
            }
        };
        match timeout(left, locking).await {
            Ok(locked) => locked.map(|()| file).map_err(|error| self.shown(&error.into())),
            Err(_) => Err(format!("{}: somebody else is writing it, and does not end", self.path.display())),
        }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(ending);
        name.into()
    }

    fn shown(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_528_800;

    fn list(folder: &tempfile::TempDir) -> Revoked {
        Revoked::open(folder.path().join("krl"), b"authority".to_vec(), NOW).unwrap()
    }

    fn serials(list: &Revoked) -> Vec<u64> {
        list.read().unwrap().0.into_iter().collect()
    }

    #[test]
    fn a_serial_leaves_a_day_after_its_certificate_ended_and_never_earlier() {
        let folder = tempfile::tempdir().unwrap();
        let list = list(&folder);
        list.put(1, Some(NOW + 60), NOW, true).unwrap();
        list.put(2, Some(NOW + 3_600), NOW, true).unwrap();
        list.put(3, None, NOW, true).unwrap();
        list.put(4, Some(NOW + 60), NOW + 60 + CLOCKS_APART, true).unwrap();
        assert_eq!(serials(&list), [1, 2, 3, 4], "not in that second");
        list.put(5, Some(NOW), NOW + 61 + CLOCKS_APART, true).unwrap();
        assert_eq!(serials(&list), [2, 3, 5], "what is added stays, whatever its end");
        list.put(6, Some(NOW + 900_000), NOW + 800_000, true).unwrap();
        assert_eq!(serials(&list), [3, 6], "without an end it stays for ever");
    }

    #[test]
    fn while_the_time_is_not_believed_nothing_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let list = list(&folder);
        list.put(1, Some(NOW + 60), NOW, true).unwrap();
        list.put(2, Some(NOW + 60), NOW + 9_000_000, false).unwrap();
        assert_eq!(serials(&list), [1, 2]);
        list.put(3, None, NOW + 9_000_000, true).unwrap();
        assert_eq!(serials(&list), [3]);
    }

    /// Others go on meanwhile, and what could not be written in time is not written later.
    #[tokio::test]
    async fn a_list_that_somebody_else_writes_keeps_only_its_own_call_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let list = Arc::new(list(&folder));
        let held = list.lock(Duration::ZERO).await.unwrap();
        let others = async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            early = list.add(1, None, NOW, true, Duration::from_mins(1)) => panic!("it did not wait: {early:?}"),
            () = others => {}
        }
        let late = list.add(1, None, NOW, true, Duration::from_millis(30)).await;
        assert!(late.unwrap_err().contains("somebody else is writing it"));
        assert_eq!(serials(&list), [] as [u64; 0]);
        let (added, ()) = tokio::join!(list.add(1, None, NOW, true, Duration::from_mins(1)), async { drop(held) });
        added.unwrap();
        assert_eq!(serials(&list), [1]);
    }

    #[tokio::test]
    async fn writers_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let list = Arc::new(list(&folder));
        let writers: Vec<_> = (1..=20)
            .map(|serial| {
                let list = list.clone();
                tokio::spawn(async move { list.add(serial, None, NOW, true, Duration::from_mins(1)).await })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap().unwrap();
        }
        assert_eq!(serials(&list), (1..=20).collect::<Vec<u64>>());
    }

    #[test]
    fn of_two_ends_the_later_counts_and_lost_ends_keep_everything() {
        let folder = tempfile::tempdir().unwrap();
        let list = list(&folder);
        list.put(1, Some(NOW + 60), NOW, true).unwrap();
        list.append(1, NOW + 900_000).unwrap();
        list.append(1, NOW + 30).unwrap();
        list.put(2, None, NOW + 200_000, true).unwrap();
        assert_eq!(serials(&list), [1, 2]);
        std::fs::remove_file(folder.path().join("krl.ends")).unwrap();
        list.put(3, None, NOW + 9_000_000, true).unwrap();
        assert_eq!(serials(&list), [1, 2, 3]);
    }

    #[test]
    fn a_record_that_a_crash_cut_or_zeroed_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let list = list(&folder);
        list.put(1, Some(NOW + 900_000), NOW, true).unwrap();
        let ends = folder.path().join("krl.ends");
        let mut bytes = std::fs::read(&ends).unwrap();
        bytes.extend([2_u64.to_be_bytes(), 0_u64.to_be_bytes()].concat());
        bytes.extend([0, 0, 0, 0, 0, 0, 0]);
        std::fs::write(&ends, bytes).unwrap();
        list.put(2, None, NOW, true).unwrap();
        list.put(3, Some(NOW + 60), NOW, true).unwrap();
        list.put(4, None, NOW + 200_000, true).unwrap();
        assert_eq!(serials(&list), [1, 2, 4]);
        assert_eq!(std::fs::metadata(&ends).unwrap().len() % 16, 0);
    }

    #[test]
    fn a_write_that_fails_midway_leaves_the_old_list() {
        let folder = tempfile::tempdir().unwrap();
        let list = list(&folder);
        list.put(1, Some(NOW + 60), NOW, true).unwrap();
        let before = std::fs::read(folder.path().join("krl")).unwrap();
        std::fs::create_dir(folder.path().join("krl.new")).unwrap();
        assert!(list.put(2, Some(NOW + 60), NOW, true).is_err());
        assert_eq!(std::fs::read(folder.path().join("krl")).unwrap(), before);
        std::fs::remove_dir(folder.path().join("krl.new")).unwrap();
        list.put(2, Some(NOW + 60), NOW, true).unwrap();
        assert_eq!(serials(&list), [1, 2]);
        std::fs::remove_file(folder.path().join("krl.ends")).unwrap();
        std::fs::create_dir(folder.path().join("krl.ends")).unwrap();
        assert!(list.put(3, Some(NOW + 60), NOW, true).is_err());
        assert_eq!(serials(&list), [1, 2], "the end is written before its serial");
    }

    #[test]
    fn a_hundred_thousand_serials_are_one_write_and_their_records_are_dropped_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let list = list(&folder);
        let many: BTreeMap<u64, i64> = (1..=100_000).map(|serial| (serial, NOW + i64::try_from(serial % 2).unwrap() * 900_000)).collect();
        list.replace(&many.keys().copied().collect(), 2, NOW).unwrap();
        list.rewrite(many.iter()).unwrap();
        list.put(200_000, Some(NOW + 900_000), NOW + 10, true).unwrap();
        assert_eq!(serials(&list).len(), 100_001);
        list.put(200_001, Some(NOW + 900_000), NOW + 200_000, true).unwrap();
        assert_eq!(serials(&list).len(), 50_002);
        list.put(200_002, Some(NOW + 900_000), NOW + 2_000_000, true).unwrap();
        assert_eq!(serials(&list), [200_002]);
        assert_eq!(std::fs::metadata(folder.path().join("krl.ends")).unwrap().len(), 16);
    }
}
