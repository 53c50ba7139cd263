//! What the fuzz targets do, as plain functions of bytes: a stable `cargo test` runs them too. Each panics when a promise
//! is broken; a refusal is fine.

mod lint;

pub use lint::lint;

use engine_host::protocol::{FromChild, Limits, Message, Prefix, ToChild, decode, encode};

/// A frame that the confined child reads.
pub fn message_to_engine(data: &[u8]) {
    frame::<ToChild>(data, Limits::TO_CHILD);
}

/// A frame that the worker reads from a child that a hostile file may have taken over.
pub fn message_from_engine(data: &[u8]) {
    frame::<FromChild>(data, Limits::FROM_CHILD);
    frame::<FromChild>(data, Limits::PROBE);
}

fn frame<M: Message>(data: &[u8], limits: Limits) {
    let Some((start, body)) = data.split_first_chunk::<{ Prefix::SIZE }>() else { return };
    // The parser is reached whatever the prefix says; the reader only hands it whole headers.
    let header = match Prefix::decode(*start, limits) {
        Ok(prefix) => {
            assert!(prefix.header_bytes <= limits.header_bytes && prefix.payload_bytes <= limits.payload_bytes);
            body.get(..prefix.header_bytes as usize).unwrap_or(body)
        }
        Err(_) => body,
    };
    let Ok(message) = decode::<M>(header, 0) else { return };
    // An encoding that is not the shortest is read too, so bytes are compared from the second one on. Bytes and not
    // values, since NaN is not equal to itself.
    let Ok(once) = encode(&message, 0, limits) else { return };
    let again = decode::<M>(&once[Prefix::SIZE..], 0).expect("what was written is read");
    assert_eq!(encode(&again, 0, limits).expect("what was read is written"), once);
}

/// A ladder file of an operator.
pub fn ladder_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match ladders::parse("fuzz.toml", text) {
        Ok(ladder) => {
            assert!(!ladder.rungs.is_empty());
            assert!(ladder.rungs.is_sorted_by(|lower, higher| lower.height < higher.height));
        }
        Err(report) => {
            assert!(!report.mistakes.is_empty(), "a refusal says why");
            assert!(report.mistakes.iter().all(|mistake| !mistake.cure.is_empty()), "and what to do");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUNDS: u32 = 20_000;

    /// Xorshift: the same bytes in every run.
    struct Noise(u64);

    impl Noise {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn below(&mut self, bound: usize) -> usize {
            (self.next() % bound.max(1) as u64) as usize
        }

        fn byte(&mut self) -> u8 {
            self.next().to_le_bytes()[7]
        }
    }

    /// Runs a target over its seeds, each as it is, then with bytes changed, cut out and put in.
    fn exercise(seeds: &[Vec<u8>], rounds: u32, target: fn(&[u8])) {
        let mut noise = Noise(0x1ec7_e412);
        seeds.iter().for_each(|seed| target(seed));
        for _ in 0..rounds {
            let mut data = seeds[noise.below(seeds.len())].clone();
            for _ in 0..=noise.below(6) {
                let at = noise.below(data.len());
                match (noise.below(4), data.is_empty()) {
                    (0, _) | (_, true) => data.insert(at, noise.byte()),
                    (1, _) => drop(data.remove(at)),
                    (2, _) => data.truncate(at),
                    _ => data[at] = noise.byte(),
                }
            }
            target(&data);
        }
    }

    fn framed<M: Message>(message: &M, limits: Limits) -> Vec<u8> {
        encode(message, 0, limits).expect("a seed fits the limits")
    }

    #[test]
    fn messages_survive() {
        let open = ToChild::Open { protocol_version: engine_host::protocol::PROTOCOL_VERSION, size: 1 << 40 };
        let orders = [open, ToChild::Probe].map(|message| framed(&message, Limits::TO_CHILD));
        exercise(&orders, ROUNDS, message_to_engine);
        // Frames of the other direction are the nearest thing to messages, and never the same.
        let mut answers: Vec<Vec<u8>> =
            (0u8..16).map(|variant| vec![9, 0, 0, 0, 0, 0, 0, 0, variant, 1, 2, 3, 4, 5, 6, 7, 8]).collect();
        answers.extend(orders);
        exercise(&answers, ROUNDS, message_from_engine);
    }

    #[test]
    fn ladder_files_survive() {
        let seeds: Vec<Vec<u8>> = ladders::catalog().iter().map(|(_, text)| text.as_bytes().to_vec()).collect();
        exercise(&seeds, ROUNDS / 10, ladder_file);
    }

    #[test]
    fn packaged_media_survives() {
        let patches = vec![2, 0, 40, 0xff, 1, 0, 7, 3, 2, 9];
        let init = [&[0], lint::good().init.as_ref()].concat();
        let segment = [&[1], lint::good().segments[1].as_ref()].concat();
        let texts = [3, 4, 5]
            .map(|which| [&[which][..], b"#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4.0,\n0.m4s\n"].concat());
        exercise(&[vec![patches, init, segment], texts.to_vec()].concat(), ROUNDS / 20, lint);
    }
}
