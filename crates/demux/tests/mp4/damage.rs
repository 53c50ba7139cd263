//! Damaged files: never a panic, never more than the file has bytes for, and what is whole is given.

use std::sync::LazyLock;

use proptest::prelude::*;

use crate::driver::demux;
use crate::real::make;

const SMALL: &str = "-t 0.6 -c:v libx264 -preset ultrafast -bf 2 -g 5 -c:a aac -b:a 24k -threads 1";

/// A whole file with its movie box in front, one with it behind, and a fragmented one.
static FILES: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    [
        make("damage-front.mp4", &format!("{SMALL} -movflags +faststart")),
        make("damage-behind.mp4", SMALL),
        make("damage-fragments.mp4", &format!("{SMALL} -movflags frag_keyframe+empty_moov+default_base_moof")),
    ]
});

/// Where the bytes lie that are not media, and where boxes start.
fn structure(file: &[u8]) -> (Vec<usize>, Vec<usize>) {
    let (mut at, mut places, mut starts) = (0, vec![], vec![]);
    while at + 8 <= file.len() {
        let size = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        let end = if &file[at + 4..at + 8] == b"mdat" { at + 8 } else { at + size };
        places.extend(at..end);
        starts.push(at);
        at += size;
    }
    (places, starts)
}

#[test]
fn a_file_that_is_cut_short_is_given_up_to_the_cut() {
    for (index, file) in FILES.iter().enumerate() {
        let whole = demux(file, true);
        assert_eq!(whole.error, None);
        let (_, starts) = structure(file);
        for cut in (0..file.len()).step_by(97).chain([file.len() - 1]) {
            for told in [true, false] {
                let out = demux(&file[..cut], told);
                if out.error.is_some() {
                    assert!(out.reads.is_empty(), "only a file without its movie box is refused");
                    continue;
                }
                let within = whole.reads.iter().filter(|read| match read.packet.data {
                    demux::Data::At(range) => range.offset + range.length <= cut as u64,
                    demux::Data::Here(_) => false,
                });
                assert!(!told || index == 2 || within.count() == out.reads.len(), "cut at {cut}");
                // Whole fragments and nothing else are a whole file.
                let silent = out.reads.len() == whole.reads.len() || starts.contains(&cut);
                assert!(!told || silent || !out.warnings.is_empty(), "cut at {cut}");
            }
        }
    }
}

#[test]
fn trailing_garbage_is_passed_over_with_a_warning() {
    let file = &FILES[2];
    let whole = demux(file, true).reads.len();
    for (tail, warned) in [(vec![0; 3000], false), (vec![0xff; 100], true), (b"\0\0\0\x04free".to_vec(), true)] {
        let out = demux(&[file.clone(), tail].concat(), true);
        assert_eq!((out.error, out.reads.len(), !out.warnings.is_empty()), (None, whole, warned));
    }
}

/// Files that Shaka Packager encrypted, with vectors of their own and with a constant one.
const LOCKED: [&[u8]; 2] = [include_bytes!("../data/mp4/cens.mp4"), include_bytes!("../data/mp4/cbcs.mp4")];

/// Where the bytes of boxes that speak of encryption lie, at any depth.
fn protection_bytes(file: &[u8]) -> Vec<usize> {
    let names = [&b"senc"[..], b"saiz", b"saio", b"tenc", b"schm", b"sgpd", b"sbgp", b"sinf"];
    let starts = (4..file.len() - 4).filter(|&at| names.contains(&&file[at..at + 4]));
    starts
        .flat_map(|at| {
            let size = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
            at - 4..(at - 4 + size).min(file.len())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), told in any::<bool>()) {
        demux(&bytes, told);
    }

    #[test]
    fn no_box_like_bytes_make_it_panic(
        parts in prop::collection::vec(
            (0u32..40, prop::sample::select(&[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"trun", b"mdat"][..])),
            0..30,
        ),
    ) {
        let bytes: Vec<u8> = parts.iter().flat_map(|(size, kind)| [&size.to_be_bytes()[..], &kind[..]].concat()).collect();
        demux(&bytes, true);
    }

    #[test]
    fn no_mutation_of_a_file_makes_it_panic(
        which in 0usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(0), Just(0xff)]), 1..8),
    ) {
        let mut file = FILES[which].clone();
        let (places, _) = structure(&file);
        for (place, value) in changes {
            file[places[place.index(places.len())]] = value;
        }
        demux(&file, true);
    }

    #[test]
    fn no_mutation_of_encryption_data_makes_it_panic(
        which in 0usize..2,
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(0), Just(0xff)]), 1..12),
        told in any::<bool>(),
    ) {
        let mut file = LOCKED[which].to_vec();
        let places = protection_bytes(&file);
        for (place, value) in changes {
            file[places[place.index(places.len())]] = value;
        }
        let out = demux(&file, told);
        prop_assert!(out.bytes_asked <= 4 * file.len() as u64 + 65_536);
    }
}
