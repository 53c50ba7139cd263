//! Why a message cannot be read or written.

/// A message cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not hexadecimal or base64.
    #[error("not {0} text")]
    Text(&'static str),
    /// It begins with another `table_id` than `0xfc`.
    #[error("table id {0:#04x} where 0xfc marks a splice info section")]
    OtherTable(u8),
    /// Bytes end too early.
    #[error("{0} is cut short")]
    Short(&'static str),
    /// The CRC does not fit.
    #[error("the section is damaged: its CRC_32 is {found:#010x}, its bytes make {made:#010x}")]
    Damaged {
        /// As written at its end.
        found: u32,
        /// Of the bytes in front of it.
        made: u32,
    },
    /// `protocol_version` is not 0.
    #[error("protocol version {0} is not known")]
    Version(u8),
    /// `encrypted_packet` is 1.
    #[error("the section is encrypted by algorithm {0}: it cannot be read without its control word")]
    Encrypted(u8),
    /// A length contradicts what it counts.
    #[error("the length of {0} contradicts its content")]
    Length(&'static str),
    /// The command is not defined.
    #[error("splice command {0:#04x} is reserved")]
    Command(u8),
    /// A value does not fit its field.
    #[error("{0} does not fit its field")]
    Range(&'static str),
}
