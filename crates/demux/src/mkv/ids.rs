//! Element identifiers (RFC 8794 §11.2, RFC 9559 §5.1), with their marker bits.

pub(super) const EBML: u32 = 0x1A45_DFA3;
pub(super) const EBML_READ_VERSION: u32 = 0x42F7;
pub(super) const DOC_TYPE: u32 = 0x4282;
pub(super) const DOC_TYPE_READ_VERSION: u32 = 0x4285;
pub(super) const VOID: u32 = 0xEC;
pub(super) const CRC_32: u32 = 0xBF;

pub(super) const SEGMENT: u32 = 0x1853_8067;
pub(super) const SEEK_HEAD: u32 = 0x114D_9B74;
pub(super) const INFO: u32 = 0x1549_A966;
pub(super) const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
pub(super) const CUES: u32 = 0x1C53_BB6B;
pub(super) const TAGS: u32 = 0x1254_C367;
pub(super) const ATTACHMENTS: u32 = 0x1941_A469;

pub(super) const CHAPTERS: u32 = 0x1043_A770;
pub(super) const EDITION_ENTRY: u32 = 0x45B9;
pub(super) const CHAPTER_ATOM: u32 = 0xB6;
pub(super) const CHAPTER_TIME_START: u32 = 0x91;
pub(super) const CHAPTER_TIME_END: u32 = 0x92;
pub(super) const CHAPTER_FLAG_HIDDEN: u32 = 0x98;
pub(super) const CHAPTER_DISPLAY: u32 = 0x80;
pub(super) const CHAP_STRING: u32 = 0x85;
pub(super) const CHAP_LANGUAGE: u32 = 0x437C;
pub(super) const CHAP_LANGUAGE_BCP47: u32 = 0x437D;

pub(super) const CLUSTER: u32 = 0x1F43_B675;
pub(super) const TIMESTAMP: u32 = 0xE7;
pub(super) const POSITION: u32 = 0xA7;
pub(super) const PREV_SIZE: u32 = 0xAB;
pub(super) const SILENT_TRACKS: u32 = 0x5854;
pub(super) const ENCRYPTED_BLOCK: u32 = 0xAF;
pub(super) const SIMPLE_BLOCK: u32 = 0xA3;
pub(super) const BLOCK_GROUP: u32 = 0xA0;
pub(super) const BLOCK: u32 = 0xA1;
pub(super) const BLOCK_ADDITIONS: u32 = 0x75A1;
pub(super) const BLOCK_MORE: u32 = 0xA6;
pub(super) const BLOCK_ADD_ID: u32 = 0xEE;
pub(super) const BLOCK_ADDITIONAL: u32 = 0xA5;
pub(super) const BLOCK_DURATION: u32 = 0x9B;
pub(super) const REFERENCE_BLOCK: u32 = 0xFB;
pub(super) const DISCARD_PADDING: u32 = 0x75A2;

pub(super) const TRACKS: u32 = 0x1654_AE6B;
pub(super) const TRACK_ENTRY: u32 = 0xAE;
pub(super) const TRACK_NUMBER: u32 = 0xD7;
pub(super) const TRACK_TYPE: u32 = 0x83;
pub(super) const FLAG_ENABLED: u32 = 0xB9;
pub(super) const FLAG_DEFAULT: u32 = 0x88;
pub(super) const FLAG_FORCED: u32 = 0x55AA;
pub(super) const FLAG_HEARING_IMPAIRED: u32 = 0x55AB;
pub(super) const FLAG_VISUAL_IMPAIRED: u32 = 0x55AC;
pub(super) const FLAG_COMMENTARY: u32 = 0x55AF;
pub(super) const DEFAULT_DURATION: u32 = 0x23_E383;
pub(super) const TRACK_TIMESTAMP_SCALE: u32 = 0x23_314F;
pub(super) const NAME: u32 = 0x536E;
pub(super) const LANGUAGE: u32 = 0x22_B59C;
pub(super) const LANGUAGE_BCP47: u32 = 0x22_B59D;
pub(super) const CODEC_ID: u32 = 0x86;
pub(super) const CODEC_PRIVATE: u32 = 0x63A2;
pub(super) const CODEC_DELAY: u32 = 0x56AA;

pub(super) const VIDEO: u32 = 0xE0;
pub(super) const PIXEL_WIDTH: u32 = 0xB0;
pub(super) const PIXEL_HEIGHT: u32 = 0xBA;
pub(super) const PIXEL_CROP_BOTTOM: u32 = 0x54AA;
pub(super) const PIXEL_CROP_TOP: u32 = 0x54BB;
pub(super) const PIXEL_CROP_LEFT: u32 = 0x54CC;
pub(super) const PIXEL_CROP_RIGHT: u32 = 0x54DD;
pub(super) const DISPLAY_WIDTH: u32 = 0x54B0;
pub(super) const DISPLAY_HEIGHT: u32 = 0x54BA;
pub(super) const DISPLAY_UNIT: u32 = 0x54B2;
pub(super) const COLOUR: u32 = 0x55B0;
pub(super) const MATRIX_COEFFICIENTS: u32 = 0x55B1;
pub(super) const RANGE: u32 = 0x55B9;
pub(super) const TRANSFER_CHARACTERISTICS: u32 = 0x55BA;
pub(super) const PRIMARIES: u32 = 0x55BB;
pub(super) const PROJECTION: u32 = 0x7670;
pub(super) const PROJECTION_POSE_ROLL: u32 = 0x7675;

pub(super) const AUDIO: u32 = 0xE1;
pub(super) const SAMPLING_FREQUENCY: u32 = 0xB5;
pub(super) const OUTPUT_SAMPLING_FREQUENCY: u32 = 0x78B5;
pub(super) const CHANNELS: u32 = 0x9F;

pub(super) const CONTENT_ENCODINGS: u32 = 0x6D80;
pub(super) const CONTENT_ENCODING: u32 = 0x6240;
pub(super) const CONTENT_ENCODING_ORDER: u32 = 0x5031;
pub(super) const CONTENT_ENCODING_SCOPE: u32 = 0x5032;
pub(super) const CONTENT_ENCODING_TYPE: u32 = 0x5033;
pub(super) const CONTENT_COMPRESSION: u32 = 0x5034;
pub(super) const CONTENT_COMP_ALGO: u32 = 0x4254;
pub(super) const CONTENT_COMP_SETTINGS: u32 = 0x4255;

/// Whether an element of a Segment has this identifier: it ends a Cluster of unknown size (RFC 8794 §6.2).
pub(super) fn is_of_segment(id: u32) -> bool {
    matches!(id, SEEK_HEAD | INFO | TRACKS | CUES | TAGS | ATTACHMENTS | CHAPTERS | CLUSTER)
}

/// Whether a Cluster or a BlockGroup may hold this element.
pub(super) fn is_of_cluster(id: u32) -> bool {
    matches!(
        id,
        TIMESTAMP | POSITION | PREV_SIZE | SILENT_TRACKS | ENCRYPTED_BLOCK | SIMPLE_BLOCK | BLOCK_GROUP | VOID | CRC_32
    )
}
