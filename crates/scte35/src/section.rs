//! The section that carries a message (SCTE 35 §9.6).

use crate::bits::{Reader, Writer};
use crate::crc::crc32;
use crate::{Command, Descriptor, Error, text};

const TABLE: u8 = 0xfc;

/// `splice_info_section()`: one message.
///
/// Reserved bits are written as 1, as the standard has it; a section that has them otherwise is written differently than
/// it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// `sap_type`: how streams can be accessed at the splice, 3 when not said.
    pub sap_type: u8,
    /// `pts_adjustment`: added to every time of the message, 33 bits of 90 kHz.
    pub pts_adjustment: u64,
    /// `cw_index`: which control word encrypted sections use; of no meaning here.
    pub cw_index: u8,
    /// `tier`: who may use the message, 12 bits; `0xfff` all.
    pub tier: u16,
    /// What it asks for.
    pub command: Command,
    /// Bytes within the stated length of the command behind its own end; empty in well-formed messages.
    pub command_padding: Vec<u8>,
    /// `splice_command_length` is written as `0xfff`, as old equipment does.
    pub has_legacy_length: bool,
    /// What it adds.
    pub descriptors: Vec<Descriptor>,
    /// `alignment_stuffing`: of no meaning.
    pub stuffing: Vec<u8>,
}

impl Section {
    /// A message for everybody.
    pub fn new(command: Command, descriptors: Vec<Descriptor>) -> Self {
        Self {
            sap_type: 3,
            pts_adjustment: 0,
            cw_index: 0,
            tier: 0xfff,
            command,
            command_padding: Vec::new(),
            has_legacy_length: false,
            descriptors,
            stuffing: Vec::new(),
        }
    }

    /// Reads a section that begins with `bytes`; what follows it is passed over.
    ///
    /// # Errors
    /// It is none, damaged, encrypted, or contradicts itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut head = Reader::new(bytes, "a splice info section");
        match head.byte()? {
            TABLE => {}
            other => return Err(Error::OtherTable(other)),
        }
        head.bits(2)?;
        let sap_type = head.bits(2)? as u8;
        let length = head.bits(12)? as usize;
        let body = head.take(length)?;
        let (body, crc) = body.split_last_chunk::<4>().ok_or(Error::Length("a section"))?;
        let (found, made) = (u32::from_be_bytes(*crc), crc32(&bytes[..length - 1]));
        if found != made {
            return Err(Error::Damaged { found, made });
        }
        Self::read(sap_type, body)
    }

    fn read(sap_type: u8, body: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body, "a splice info section");
        match reader.byte()? {
            0 => {}
            other => return Err(Error::Version(other)),
        }
        let is_encrypted = reader.flag()?;
        let algorithm = reader.bits(6)? as u8;
        if is_encrypted {
            return Err(Error::Encrypted(algorithm));
        }
        let pts_adjustment = reader.bits(33)?;
        let (cw_index, tier) = (reader.byte()?, reader.bits(12)? as u16);
        let stated = reader.bits(12)? as usize;
        let code = reader.byte()?;
        let has_legacy_length = stated == 0xfff;
        let (command, command_padding) = if has_legacy_length {
            (Command::read(code, &mut reader, false)?, Vec::new())
        } else {
            let mut own = Reader::new(reader.take(stated)?, "a splice command");
            (Command::read(code, &mut own, true)?, own.rest().to_vec())
        };
        let descriptors_length = reader.bits(16)? as usize;
        let descriptors = Descriptor::read_all(reader.take(descriptors_length)?)?;
        let stuffing = reader.rest().to_vec();
        Ok(Self {
            sap_type,
            pts_adjustment,
            cw_index,
            tier,
            command,
            command_padding,
            has_legacy_length,
            descriptors,
            stuffing,
        })
    }

    /// The section's bytes, with their CRC.
    ///
    /// # Errors
    /// A value does not fit its field.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut command = Writer::default();
        self.command.write(&mut command)?;
        command.extend(&self.command_padding);
        let command = command.finish();
        let mut descriptors = Writer::default();
        self.descriptors.iter().try_for_each(|descriptor| descriptor.write(&mut descriptors))?;
        let descriptors = descriptors.finish();

        let mut writer = Writer::default();
        writer.byte(TABLE);
        writer.flag(false); // section_syntax_indicator
        writer.flag(false); // private_indicator
        writer.bits(self.sap_type.into(), 2, "sap_type")?;
        let length = 17 + command.len() + descriptors.len() + self.stuffing.len();
        if length > 4093 {
            return Err(Error::Range("section_length"));
        }
        writer.bits(length as u64, 12, "section_length")?;
        writer.byte(0); // protocol_version
        writer.flag(false); // encrypted_packet
        writer.bits(0, 6, "encryption_algorithm")?;
        writer.bits(self.pts_adjustment, 33, "pts_adjustment")?;
        writer.byte(self.cw_index);
        writer.bits(self.tier.into(), 12, "tier")?;
        let stated = if self.has_legacy_length { 0xfff } else { command.len() as u64 };
        writer.bits(stated, 12, "splice_command_length")?;
        writer.byte(self.command.code());
        writer.extend(&command);
        writer.bits(descriptors.len() as u64, 16, "descriptor_loop_length")?;
        writer.extend(&descriptors);
        writer.extend(&self.stuffing);
        let mut bytes = writer.finish();
        bytes.extend(crc32(&bytes).to_be_bytes());
        Ok(bytes)
    }

    /// From base64, as HLS and DASH carry it.
    ///
    /// # Errors
    /// As of [`parse`](Self::parse), or it is no base64.
    pub fn from_base64(text: &str) -> Result<Self, Error> {
        Self::parse(&text::from_base64(text)?)
    }

    /// From hexadecimal, with `0x` in front or not.
    ///
    /// # Errors
    /// As of [`parse`](Self::parse), or it is no hexadecimal.
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        Self::parse(&text::from_hex(text)?)
    }

    /// In base64.
    ///
    /// # Errors
    /// As of [`to_bytes`](Self::to_bytes).
    pub fn to_base64(&self) -> Result<String, Error> {
        self.to_bytes().map(|bytes| text::base64(&bytes))
    }

    /// In lower-case hexadecimal with `0x` in front, as `SCTE35-OUT` of HLS wants it (RFC 8216 §4.3.2.7.1).
    ///
    /// # Errors
    /// As of [`to_bytes`](Self::to_bytes).
    pub fn to_hex(&self) -> Result<String, Error> {
        self.to_bytes().map(|bytes| format!("0x{}", text::hex(&bytes)))
    }
}
