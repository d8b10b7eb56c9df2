//! OpenSSH's binary key revocation list, as its PROTOCOL.krl describes it: certificate serials of one authority.
//! Only what this bot writes is read back; anything else is refused rather than overwritten.

use std::collections::BTreeSet;

const MAGIC: u64 = 0x5353_484b_524c_0a00;
const FORMAT: u32 = 1;
const SECTION_CERTIFICATES: u8 = 1;
const SERIAL_LIST: u8 = 0x20;

/// The list's bytes. `version` grows with each write; `at` is seconds since 1970.
pub(super) fn write(authority: &[u8], serials: &BTreeSet<u64>, version: u64, at: u64) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(MAGIC.to_be_bytes());
    out.extend(FORMAT.to_be_bytes());
    for number in [version, at, 0] {
        out.extend(number.to_be_bytes());
    }
    string(&mut out, b"");
    string(&mut out, b"hallpass");
    if !serials.is_empty() {
        let list: Vec<u8> = serials.iter().flat_map(|serial| serial.to_be_bytes()).collect();
        let mut section = Vec::new();
        string(&mut section, authority);
        string(&mut section, b"");
        section.push(SERIAL_LIST);
        string(&mut section, &list);
        out.push(SECTION_CERTIFICATES);
        string(&mut out, &section);
    }
    out
}

/// The serials and the version in a list that `write` made for this authority.
pub(super) fn read(bytes: &[u8], authority: &[u8]) -> Result<(BTreeSet<u64>, u64), String> {
    let mut left = Reader(bytes);
    if left.u64()? != MAGIC || left.u32()? != FORMAT {
        return Err("it is not a key revocation list".into());
    }
    let version = left.u64()?;
    left.u64()?;
    left.u64()?;
    left.string()?;
    left.string()?;
    let mut serials = BTreeSet::new();
    while !left.0.is_empty() {
        if left.u8()? != SECTION_CERTIFICATES {
            return Err("it has a section that was not written by this bot".into());
        }
        let mut section = Reader(left.string()?);
        if section.string()? != authority {
            return Err("it revokes certificates of another authority".into());
        }
        section.string()?;
        while !section.0.is_empty() {
            if section.u8()? != SERIAL_LIST {
                return Err("it has a section that was not written by this bot".into());
            }
            let mut list = Reader(section.string()?);
            while !list.0.is_empty() {
                serials.insert(list.u64()?);
            }
        }
    }
    Ok((serials, version))
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(bytes);
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], String> {
        let (head, tail) = self.0.split_at_checked(count).ok_or("it is cut short")?;
        self.0 = tail;
        Ok(head)
    }

    fn u8(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_be_bytes(self.take(4)?.try_into().map_err(|_| "it is cut short")?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_be_bytes(self.take(8)?.try_into().map_err(|_| "it is cut short")?))
    }

    fn string(&mut self) -> Result<&'b [u8], String> {
        let count = usize::try_from(self.u32()?).map_err(|_| "it is cut short")?;
        self.take(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_reads_back() {
        let serials = BTreeSet::from([1, 7, u64::MAX >> 1]);
        let bytes = write(b"authority", &serials, 3, 1_700_000_000);
        assert_eq!(read(&bytes, b"authority"), Ok((serials, 3)));
    }

    #[test]
    fn a_list_that_is_cut_or_foreign_is_refused() {
        let bytes = write(b"authority", &BTreeSet::from([1]), 1, 0);
        assert!(read(&bytes[..bytes.len() - 1], b"authority").is_err());
        assert!(read(&bytes, b"another").is_err());
        assert!(read(b"garbage", b"authority").is_err());
    }
}
