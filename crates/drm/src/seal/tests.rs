#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const NAME: &str = "work/as_1/job-1/video-360p/00001.m4s";
const SALT: [u8; SALT_BYTES] = [9; SALT_BYTES];

fn key() -> DataKey {
    DataKey::new([7; 32])
}

fn content(length: u64) -> Vec<u8> {
    (0..length).map(|at| (at * 31 / 7) as u8).collect()
}

fn sealed(clear: &[u8]) -> Vec<u8> {
    seal(&key(), NAME, SALT, clear)
}

fn opened(sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    open(&key(), NAME, sealed.to_vec())
}

/// Lengths with none, one and some chunks, and those around the ends of chunks.
fn lengths() -> impl Strategy<Value = u64> {
    prop_oneof![0..40u64, (1..4u64, 0..5u64).prop_map(|(chunks, more)| chunks * CHUNK_BYTES - 2 + more), 0..200_000u64]
}

#[test]
fn the_format_does_not_change() {
    for (length, golden) in [(0, GOLDEN_EMPTY), (5, GOLDEN_SHORT)] {
        assert_eq!(hex::encode(&sealed(&content(length))[HEADER_BYTES as usize..]), golden);
    }
    let long = sealed(&content(CHUNK_BYTES + 3));
    assert_eq!(hex::encode(&long[long.len() - 19..]), GOLDEN_LAST_CHUNK);
    assert_eq!(long[..4], *b"LSO\x01");
    assert_eq!((long[4..36] == SALT, long.len() as u64), (true, HEADER_BYTES + CHUNK_BYTES + 3 + 2 * 16));
    assert_eq!(hex::encode(key().salt_for(b"hash")), GOLDEN_SALT);
}

/// By a program in another language, from the definition.
const GOLDEN_EMPTY: &str = "1b4a5e4d280ddd9f3ab58b33e40caae2";
const GOLDEN_SHORT: &str = "121a6d186d05e9bc5bdebf702ff567cdebabd3eb6b";
const GOLDEN_LAST_CHUNK: &str = "ac75d967f59b1ce8f1449d9fac19523ff98639";
const GOLDEN_SALT: &str = "b4275ccf7d0361e1c57145395afe4f862baf71347cdaaa5a1f38c897e6f62197";

#[test]
fn another_name_key_or_place_is_refused() {
    let object = sealed(&content(3 * CHUNK_BYTES));
    assert_eq!(open(&key(), "work/as_1/other", object.clone()), Err(SealError::Chunk { chunk: 0 }));
    assert_eq!(open(&DataKey::new([8; 32]), NAME, object.clone()), Err(SealError::Chunk { chunk: 0 }));
    let mut swapped = object.clone();
    let (first, rest) = swapped[HEADER_BYTES as usize..].split_at_mut(SEALED_CHUNK);
    first.swap_with_slice(&mut rest[..SEALED_CHUNK]);
    assert_eq!(opened(&swapped), Err(SealError::Chunk { chunk: 0 }));
    let seal = ObjectSeal::read(&key(), NAME, &object, object.len() as u64).ok().unwrap();
    let second = seal.cover(CHUNK_BYTES..2 * CHUNK_BYTES);
    let second = object[second.start as usize..second.end as usize].to_vec();
    assert_eq!(seal.open_range(0..CHUNK_BYTES, second.clone()), Err(SealError::Chunk { chunk: 0 }));
    assert!(seal.open_range(CHUNK_BYTES..2 * CHUNK_BYTES, second).is_ok());
}

#[test]
fn what_was_cut_or_lengthened_does_not_open_in_any_part() {
    let object = sealed(&content(3 * CHUNK_BYTES));
    for length in [object.len() - 1, object.len() - SEALED_CHUNK, object.len() - 17, object.len() + 17] {
        let seal = ObjectSeal::read(&key(), NAME, &object, length as u64).ok().unwrap();
        let part = seal.cover(0..5);
        let part = object[part.start as usize..part.end as usize].to_vec();
        assert_eq!(seal.open_range(0..5, part), Err(SealError::Chunk { chunk: 0 }), "{length}");
    }
    for length in [0, 35, 36, 51, 36 + SEALED_CHUNK as u64 + 1, 36 + SEALED_CHUNK as u64 + 16] {
        let refused = ObjectSeal::read(&key(), NAME, &object, length).err();
        assert_eq!(refused, Some(SealError::Length { found: length }), "{length}");
    }
    assert_eq!(opened(&object[..35]), Err(SealError::NotSealed));
    assert_eq!(opened(b"LSO\x02 and then a salt that is long enough"), Err(SealError::NotSealed));
}

#[test]
fn parts_that_are_none_are_refused() {
    let seal = ObjectSeal::new(&key(), NAME, SALT, 2 * CHUNK_BYTES + 9).ok().unwrap();
    for (start, found) in [(1, 9), (0, 9), (CHUNK_BYTES, 0), (2 * CHUNK_BYTES, 10), (3 * CHUNK_BYTES, 1)] {
        let clear = vec![0; found];
        let refused = seal.seal_from(start, &clear).err();
        assert_eq!(refused, Some(SealError::Part { start, found: found as u64 }), "{start} {found}");
    }
    let short = seal.open_range(0..5, vec![0; 5]);
    assert_eq!(short, Err(SealError::Part { start: 0, found: 5 }));
    let behind = 2 * CHUNK_BYTES..2 * CHUNK_BYTES + 10;
    let part = seal.cover(behind.clone());
    assert!(seal.open_range(behind, vec![0; (part.end - part.start) as usize]).is_err());
    assert!(ObjectSeal::new(&key(), NAME, SALT, MAX_CLEAR_BYTES).is_ok());
    let long = ObjectSeal::new(&key(), NAME, SALT, MAX_CLEAR_BYTES + 1).err();
    assert_eq!(long, Some(SealError::TooLong { found: MAX_CLEAR_BYTES + 1 }));
}

#[test]
fn nothing_of_the_content_shows_and_no_two_objects_look_alike() {
    let clear = vec![0; 3 * CHUNK];
    let object = sealed(&clear);
    assert!(!object.windows(9).any(|part| part == [0; 9]));
    let (first, second) = object[HEADER_BYTES as usize..].split_at(SEALED_CHUNK);
    assert_ne!(first[..99], second[..99]);
    let other = seal(&key(), NAME, [8; SALT_BYTES], &clear);
    assert_ne!(object[36..99], other[36..99]);
    assert_ne!(key().salt_for(b"one"), key().salt_for(b"other"));
    assert_ne!(key().salt_for(b"one"), DataKey::new([1; 32]).salt_for(b"one"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_range_of_any_object_opens_to_its_bytes(length in lengths(), ends in any::<(u64, u64)>()) {
        let clear = content(length);
        let object = sealed(&clear);
        let seal = ObjectSeal::read(&key(), NAME, &object[..HEADER_BYTES as usize], object.len() as u64).ok().unwrap();
        prop_assert_eq!((seal.clear_bytes(), seal.sealed_bytes()), (length, object.len() as u64));
        let (one, other) = (ends.0 % (length + 1), ends.1 % (length + 1));
        let range = one.min(other)..one.max(other);
        let part = seal.cover(range.clone());
        prop_assert!(part.end - part.start <= (range.end - range.start) + 2 * SEALED_CHUNK as u64 + length / 1000);
        let part = object[part.start as usize..part.end as usize].to_vec();
        let found = seal.open_range(range.clone(), part).unwrap();
        prop_assert_eq!(&found[..], &clear[range.start as usize..range.end as usize]);
        prop_assert_eq!(opened(&object).unwrap(), clear);
    }

    #[test]
    fn a_flipped_bit_anywhere_or_a_cut_is_refused(
        length in lengths(), at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>(),
    ) {
        let mut object = sealed(&content(length));
        let cut = cut.index(object.len());
        prop_assert!(opened(&object[..cut]).is_err());
        let at = at.index(object.len());
        object[at] ^= 1 << bit;
        prop_assert!(opened(&object).is_err());
    }

    #[test]
    fn sealing_in_pieces_and_going_on_anywhere_gives_the_same_object(
        length in lengths(), stop in any::<prop::sample::Index>(), piece in 1..3u64,
    ) {
        let clear = content(length);
        let whole = sealed(&clear);
        let seal = ObjectSeal::new(&key(), NAME, SALT, length).ok().unwrap();
        let mut made = whole[..stop.index(whole.len())].to_vec();
        while (made.len() as u64) < seal.sealed_bytes() {
            let start = seal.chunk_at(made.len() as u64);
            let end = (start + piece * CHUNK_BYTES).min(length);
            let part = seal.seal_from(start, &clear[start as usize..end as usize]).unwrap();
            let known = made.len() - seal.sealed_start(start) as usize;
            prop_assert!(known < part.len());
            made.extend_from_slice(&part[known..]);
        }
        prop_assert!(made == whole);
    }

    #[test]
    fn no_bytes_open_by_chance_or_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200), named in any::<bool>(), size in any::<u64>(),
        range in any::<(u64, u64)>(),
    ) {
        let bytes = if named { [&MAGIC[..], &bytes].concat() } else { bytes };
        prop_assert!(opened(&bytes).is_err());
        for size in [size, size % 1_000_000] {
            let Ok(seal) = ObjectSeal::read(&key(), NAME, &bytes, size) else { continue };
            prop_assert_eq!(seal.sealed_bytes(), size);
            let range = range.0..range.1;
            let part = seal.cover(range.clone());
            prop_assert!(part.start <= part.end && part.end <= size);
            let found = seal.open_range(range.clone(), bytes.clone());
            prop_assert!(found.is_err() || range.is_empty());
            let start = seal.chunk_at(range.start);
            prop_assert!(start <= seal.clear_bytes() && seal.sealed_start(start) < size);
        }
    }
}
