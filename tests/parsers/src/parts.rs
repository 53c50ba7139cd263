//! Files that are to be joined.

use bytes::Bytes;
use demux::{Join, JoinStep, Step};

use crate::container::drive;

/// Two files, behind the length of the first: reads lie inside of them, there is an end, and what comes of it is a file.
pub fn parts(data: &[u8]) {
    let Some((length, files)) = data.split_first_chunk::<4>() else { return };
    let border = u32::from_be_bytes(*length) as usize % (files.len() + 1);
    let (first, second) = files.split_at(border);
    if let Some(front) = front(&[first, second]) {
        drive(&[&front, files].concat(), true, |_, _, _| ());
    }
}

/// What is to be put in front of these files; `None` where they are refused.
pub(crate) fn front(files: &[&[u8]]) -> Option<Bytes> {
    let mut join = Join::new(files.iter().map(|file| file.len() as u64).collect());
    let total: usize = files.iter().map(|file| file.len()).sum();
    for _ in 0..total + 10_000 {
        match join.poll() {
            Ok(JoinStep::Read { part, range }) => {
                let end = range.offset.checked_add(range.length).expect("a read ends somewhere");
                assert!((1..=Step::MAX_READ).contains(&range.length), "a read of {} bytes", range.length);
                assert!(end <= files[part].len() as u64, "{range:?} of a file of {} bytes", files[part].len());
                join.give(Bytes::copy_from_slice(&files[part][range.offset as usize..end as usize]));
            }
            Ok(JoinStep::Done(front)) => return Some(front),
            Err(error) => {
                assert!(
                    error.part < files.len() && !error.reason.is_empty() && !error.reason.ends_with('.'),
                    "{error:?}"
                );
                return None;
            }
        }
    }
    panic!("no end of questions");
}
