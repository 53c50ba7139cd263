//! Which way up a picture is, from its display matrix.

use ffmpeg_next as ff;
use media_types::Rotation;

/// What brings the pictures of a stream upright; as stored where its container does not say.
pub(crate) fn rotation(stream: &ff::Stream<'_>) -> Rotation {
    let matrix = stream.side_data().find(|data| data.kind() == ff::packet::side_data::Type::DisplayMatrix);
    matrix.and_then(|data| upright(data.data())).unwrap_or_default()
}

/// What a display matrix of nine native 32-bit integers asks for, taken to the nearest quarter turn.
fn upright(bytes: &[u8]) -> Option<Rotation> {
    let mut matrix = [0_i32; 9];
    for (entry, bytes) in matrix.iter_mut().zip(bytes.get(..36)?.as_chunks::<4>().0) {
        *entry = i32::from_ne_bytes(*bytes);
    }
    let at = |index: usize| i128::from(matrix[index]);
    let mirrored = at(0) * at(4) - at(1) * at(3) < 0;
    if mirrored {
        // What is left when the mirroring, which comes last, is taken back is a turn.
        for index in [0, 3] {
            matrix[index] = matrix[index].saturating_neg();
        }
    }
    // SAFETY: the function reads nine integers.
    let degrees = unsafe { ff::ffi::av_display_rotation_get(matrix.as_ptr()) };
    if !degrees.is_finite() {
        return None;
    }
    // av_display_rotation_get answers counter-clockwise degrees.
    let quarters = ((-degrees).rem_euclid(360.0) / 90.0).round() as i32 % 4;
    Some(match (quarters, mirrored) {
        (1, false) => Rotation::Right,
        (2, false) => Rotation::Half,
        (3, false) => Rotation::Left,
        (_, false) => Rotation::None,
        (1, true) => Rotation::RightMirrored,
        (2, true) => Rotation::HalfMirrored,
        (3, true) => Rotation::LeftMirrored,
        (_, true) => Rotation::Mirrored,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The matrix that takes one pixel to the right to `right` and one pixel down to `down`, both as (right, down).
    fn matrix(right: (i32, i32), down: (i32, i32)) -> Vec<u8> {
        let one = 1 << 16;
        let entries = [right.0 * one, right.1 * one, 0, down.0 * one, down.1 * one, 0, 0, 0, 1 << 30];
        entries.iter().flat_map(|entry: &i32| entry.to_ne_bytes()).collect()
    }

    #[test]
    fn all_eight_ways_to_store_a_picture_are_told_apart() {
        for (right, down, expected) in [
            ((1, 0), (0, 1), Rotation::None),
            ((0, 1), (-1, 0), Rotation::Right),
            ((-1, 0), (0, -1), Rotation::Half),
            ((0, -1), (1, 0), Rotation::Left),
            ((-1, 0), (0, 1), Rotation::Mirrored),
            ((0, 1), (1, 0), Rotation::RightMirrored),
            ((1, 0), (0, -1), Rotation::HalfMirrored),
            ((0, -1), (-1, 0), Rotation::LeftMirrored),
        ] {
            assert_eq!(upright(&matrix(right, down)), Some(expected));
        }
    }

    #[test]
    fn a_matrix_that_shows_nothing_or_ends_early_turns_nothing() {
        assert_eq!(upright(&matrix((0, 0), (0, 0))), None);
        assert_eq!(upright(&matrix((1, 0), (0, 1))[..35]), None);
        assert!(upright(&[0x80; 36]).is_some(), "the most negative numbers");
    }
}
