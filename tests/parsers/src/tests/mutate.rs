//! Changes that keep most of a seed whole.

/// SplitMix64: the same numbers in every run.
pub(super) struct Noise(u64);

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Below `bound`; 0 when that is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[7]
    }
}

/// A seed with one to eight changes, mostly few.
pub(super) fn mutated(seeds: &[Vec<u8>], noise: &mut Noise) -> Vec<u8> {
    let mut data = seeds[noise.below(seeds.len())].clone();
    let changes = 1 + noise.below(8).min(noise.below(8));
    for _ in 0..changes {
        if data.is_empty() {
            data.push(noise.byte());
        }
        match noise.below(12) {
            0 | 1 => flip(&mut data, noise),
            2 => {
                let at = noise.below(data.len());
                data[at] = noise.byte();
            }
            3..=5 => number(&mut data, noise),
            6 | 7 => named_number(&mut data, noise),
            8 => insert(&mut data, noise),
            9 => remove(&mut data, noise),
            10 => splice(&mut data, &seeds[noise.below(seeds.len())], noise),
            _ if noise.below(3) == 0 => data.truncate(noise.below(data.len())),
            _ => repeat(&mut data, noise),
        }
    }
    data
}

fn flip(data: &mut [u8], noise: &mut Noise) {
    let at = noise.below(data.len());
    data[at] ^= 1 << noise.below(8);
}

/// Puts a number that lengths and counts fall over in place of 1, 2, 4 or 8 bytes.
fn number(data: &mut [u8], noise: &mut Noise) {
    let at = noise.below(data.len());
    write(data, at, noise);
}

fn write(data: &mut [u8], at: usize, noise: &mut Noise) {
    let length = data.len() as u64;
    let values = [
        0,
        1,
        0x7fff_ffff,
        0xffff_ffff,
        u64::MAX,
        i64::MAX.unsigned_abs(),
        1 << 31,
        length,
        length - at as u64,
        length.wrapping_sub(at as u64).wrapping_add(1),
        noise.below(64) as u64,
        noise.below(1 << 16) as u64,
    ];
    let value = values[noise.below(values.len())];
    let width = [4, 4, 4, 2, 8, 1][noise.below(6)];
    let bytes = value.to_be_bytes();
    for (place, byte) in data[at..].iter_mut().zip(&bytes[8 - width..]) {
        *place = *byte;
    }
}

/// As [`number`], before or shortly behind four characters: box sizes and the fields of boxes.
fn named_number(data: &mut [u8], noise: &mut Noise) {
    let from = noise.below(data.len());
    let name = |window: &[u8]| window.iter().all(u8::is_ascii_alphanumeric);
    let Some(found) = data[from..].windows(4).position(name) else { return number(data, noise) };
    let at = match noise.below(3) {
        0 => (from + found).saturating_sub(4),
        _ => from + found + 4 + noise.below(10) * 4,
    };
    write(data, at.min(data.len() - 1), noise);
}

fn insert(data: &mut Vec<u8>, noise: &mut Noise) {
    let at = noise.below(data.len());
    let bytes: Vec<u8> = (0..=noise.below(8)).map(|_| noise.byte()).collect();
    data.splice(at..at, bytes);
}

/// A range, mostly short.
fn range(length: usize, noise: &mut Noise) -> std::ops::Range<usize> {
    let start = noise.below(length);
    let most = [4, 16, 188, 4096][noise.below(4)];
    start..(start + 1 + noise.below(most)).min(length)
}

fn remove(data: &mut Vec<u8>, noise: &mut Noise) {
    data.drain(range(data.len(), noise));
}

/// A part of another seed, in place of as many bytes or between them, or as the rest of all.
fn splice(data: &mut Vec<u8>, other: &[u8], noise: &mut Noise) {
    if other.is_empty() {
        return;
    }
    let part = &other[range(other.len(), noise)];
    let at = noise.below(data.len());
    match noise.below(3) {
        0 => drop(data.splice(at..at, part.iter().copied())),
        1 => data[at..].iter_mut().zip(part).for_each(|(place, byte)| *place = *byte),
        _ => {
            data.truncate(at);
            data.extend_from_slice(&other[at.min(other.len())..]);
        }
    }
}

/// A part of it once more, somewhere.
fn repeat(data: &mut Vec<u8>, noise: &mut Noise) {
    let part = data[range(data.len(), noise)].to_vec();
    let at = noise.below(data.len());
    data.splice(at..at, part);
}
