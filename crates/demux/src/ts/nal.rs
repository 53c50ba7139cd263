//! What a NAL unit is for its access unit (ITU-T H.264 §7.4.1.2.3, H.265 §7.4.2.4.4).

/// A video codec made of NAL units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Avc,
    Hevc,
}

/// A parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Video,
    Sequence,
    Picture,
}

/// What becomes of a NAL unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Has no place in a sample: delimiters and filler.
    Dropped,
    Set(Set),
    /// Part of a picture.
    Slice {
        /// Of a picture at which decoding can start.
        key: bool,
        /// The first of its picture.
        first: bool,
    },
    /// Precedes the picture that it belongs to.
    Leading,
    /// Anything else.
    Other,
}

impl Codec {
    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Avc => "H.264",
            Self::Hevc => "HEVC",
        }
    }

    /// Of a NAL unit with its header.
    pub(super) fn role(self, nal: &[u8]) -> Role {
        match (self, nal) {
            (Self::Avc, [head, rest @ ..]) => match head & 31 {
                // `first_mb_in_slice` is 0 when its Exp-Golomb code is a single 1.
                kind @ (1 | 2 | 5) => {
                    Role::Slice { key: kind == 5, first: rest.first().is_some_and(|byte| byte & 0x80 != 0) }
                }
                6 | 14..=18 => Role::Leading,
                7 => Role::Set(Set::Sequence),
                8 => Role::Set(Set::Picture),
                9 | 12 => Role::Dropped,
                _ => Role::Other,
            },
            (Self::Hevc, [head, layer, rest @ ..]) => match head >> 1 & 63 {
                _ if head & 1 != 0 || layer & 0xf8 != 0 => Role::Other,
                kind @ 0..=31 => Role::Slice {
                    key: (16..=21).contains(&kind),
                    first: rest.first().is_some_and(|byte| byte & 0x80 != 0),
                },
                32 => Role::Set(Set::Video),
                33 => Role::Set(Set::Sequence),
                34 => Role::Set(Set::Picture),
                35 | 38 => Role::Dropped,
                39 | 41..=44 | 48..=55 => Role::Leading,
                _ => Role::Other,
            },
            _ => Role::Dropped,
        }
    }

    /// Whether an access unit may begin with it: not with a slice from the middle of a picture, nor with what follows one.
    pub(super) fn may_begin(self, nal: &[u8], role: Role) -> bool {
        match (role, self) {
            (Role::Set(_) | Role::Leading, _) => true,
            (Role::Slice { first, .. }, _) => first,
            (Role::Dropped, Self::Avc) => nal.first().is_some_and(|head| head & 31 == 9),
            (Role::Dropped, Self::Hevc) => nal.first().is_some_and(|head| head >> 1 & 63 == 35),
            (Role::Other, _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_at_the_front_of_a_picture_may_begin_one() {
        for (codec, nal, begins) in [
            (Codec::Avc, &[0x09, 0xf0][..], true),
            (Codec::Avc, &[0x67, 0x64], true),
            (Codec::Avc, &[0x06, 5], true),
            (Codec::Avc, &[0x41, 0x9a], true),
            (Codec::Avc, &[0x41, 0x42], false),
            (Codec::Avc, &[0x0c, 0xff], false),
            (Codec::Hevc, &[0x46, 1, 0x50], true),
            (Codec::Hevc, &[0x4e, 1, 5], true),
            (Codec::Hevc, &[0x50, 1, 0x84], false),
            (Codec::Hevc, &[0x02, 1, 0xd0], true),
            (Codec::Hevc, &[0x02, 1, 0x50], false),
        ] {
            assert_eq!(codec.may_begin(nal, codec.role(nal)), begins, "{codec:?} {nal:x?}");
        }
    }

    #[test]
    fn only_pictures_where_decoding_can_start_are_keys() {
        for (codec, nal, is_key) in [
            (Codec::Avc, [0x65, 0x88, 0x80], true),
            (Codec::Avc, [0x61, 0x88, 0x80], false),
            (Codec::Hevc, [0x26, 1, 0xaf], true),
            (Codec::Hevc, [0x2a, 1, 0xaf], true),
            (Codec::Hevc, [0x20, 1, 0xaf], true),
            (Codec::Hevc, [0x10, 1, 0xaf], false),
        ] {
            assert_eq!(codec.role(&nal), Role::Slice { key: is_key, first: true }, "{codec:?} {nal:x?}");
        }
    }
}
