//! PlayReady objects (Microsoft, "PlayReady Header Specification"): a list of records in little-endian order, one of
//! which is the rights management header, an XML document in UTF-16.

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::secret::ContentKey;
use crate::types::{KeyId, ProtectionScheme};

/// The largest object: its length field is generous, but headers are of at most 15 KiB (§ "PlayReady Object").
const MAX_OBJECT: usize = 64 << 10;

/// The object for a key: version 4.0 of the header under the counter schemes, 4.3 under the chaining ones, which older
/// clients do not know anyway. `la_url` is where licences are asked for.
pub fn object(key_id: KeyId, key: &ContentKey, scheme: ProtectionScheme, la_url: Option<&str>) -> Vec<u8> {
    let guid = STANDARD.encode(guid(key_id));
    let la_url = la_url.map(|url| format!("<LA_URL>{}</LA_URL>", escape(url))).unwrap_or_default();
    let open = "<WRMHEADER xmlns=\"http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader\" version";
    let header = match scheme {
        ProtectionScheme::Cenc | ProtectionScheme::Cens => format!(
            "{open}=\"4.0.0.0\"><DATA><PROTECTINFO><KEYLEN>16</KEYLEN><ALGID>AESCTR</ALGID></PROTECTINFO><KID>{guid}</KID>\
             <CHECKSUM>{}</CHECKSUM>{la_url}</DATA></WRMHEADER>",
            checksum(key_id, key),
        ),
        ProtectionScheme::Cbc1 | ProtectionScheme::Cbcs => format!(
            "{open}=\"4.3.0.0\"><DATA><PROTECTINFO><KIDS><KID ALGID=\"AESCBC\" VALUE=\"{guid}\"></KID></KIDS></PROTECTINFO>\
             {la_url}</DATA></WRMHEADER>",
        ),
    };
    wrap(&header)
}

/// The object for several keys of a presentation, with version 4.3 of the header.
pub fn object_of_many(key_ids: &[KeyId], scheme: ProtectionScheme, la_url: Option<&str>) -> Vec<u8> {
    let algorithm = match scheme {
        ProtectionScheme::Cenc | ProtectionScheme::Cens => "AESCTR",
        ProtectionScheme::Cbc1 | ProtectionScheme::Cbcs => "AESCBC",
    };
    let kids: String = key_ids
        .iter()
        .map(|id| format!("<KID ALGID=\"{algorithm}\" VALUE=\"{}\"></KID>", STANDARD.encode(guid(*id))))
        .collect();
    let la_url = la_url.map(|url| format!("<LA_URL>{}</LA_URL>", escape(url))).unwrap_or_default();
    wrap(&format!(
        "<WRMHEADER xmlns=\"http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader\" version=\"4.3.0.0\"><DATA>\
         <PROTECTINFO><KIDS>{kids}</KIDS></PROTECTINFO>{la_url}</DATA></WRMHEADER>"
    ))
}

/// The first 8 bytes of the key's name, encrypted under the key: tells a client early that it has the wrong one.
fn checksum(key_id: KeyId, key: &ContentKey) -> String {
    let mut block = guid(key_id).into();
    Aes128Enc::new(key.expose().into()).encrypt_block(&mut block);
    STANDARD.encode(&block[..8])
}

/// Key ids are GUIDs here: the first three fields are little-endian. Its own inverse.
fn guid(KeyId(id): KeyId) -> [u8; 16] {
    let mut guid = id;
    guid[..4].reverse();
    guid[4..6].reverse();
    guid[6..8].reverse();
    guid
}

/// An object of one record of type 1 around the header.
fn wrap(header: &str) -> Vec<u8> {
    let text: Vec<u8> = header.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut out = Vec::with_capacity(text.len() + 10);
    out.extend_from_slice(&(text.len() as u32 + 10).to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(&text);
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The rights management header in an object; `None` when the object is malformed or has none.
pub fn header(object: &[u8]) -> Option<String> {
    if object.len() > MAX_OBJECT || u32::from_le_bytes(*object.first_chunk()?) as usize != object.len() {
        return None;
    }
    let mut rest = object.get(6..)?;
    while !rest.is_empty() {
        let kind = u16::from_le_bytes(*rest.first_chunk()?);
        let length = u16::from_le_bytes(*rest.get(2..)?.first_chunk()?);
        let value = rest.get(4..)?.get(..length.into())?;
        if kind == 1 {
            let units: Vec<u16> = value.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
            return String::from_utf16(&units).ok().filter(|_| value.len().is_multiple_of(2));
        }
        rest = &rest[4 + value.len()..];
    }
    None
}

/// Where an object says that licences are asked for.
pub fn la_url(object: &[u8]) -> Option<String> {
    let header = header(object)?;
    let url = element(&header, "LA_URL").next()?.1;
    Some(
        url.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&amp;", "&"),
    )
}

/// The keys that an object names, in any version of the header; empty when it is malformed.
pub fn key_ids(object: &[u8]) -> Vec<KeyId> {
    let Some(header) = header(object) else { return Vec::new() };
    let ids = element(&header, "KID").filter_map(|(attributes, text)| {
        let value = match attributes.split_once("VALUE=") {
            Some((_, quoted)) => {
                let quote = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
                quoted[1..].split(quote).next()?
            }
            None => text.trim(),
        };
        let bytes: [u8; 16] = STANDARD.decode(value).ok()?.try_into().ok()?;
        Some(KeyId(guid(KeyId(bytes))))
    });
    ids.collect()
}

/// Attributes and text of all elements of this name, however deep; the text ends at the next tag.
fn element<'a>(xml: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mut rest = xml;
    std::iter::from_fn(move || {
        loop {
            let (_, tag) = rest.split_once('<')?;
            let (inside, behind) = tag.split_once('>')?;
            rest = behind;
            let Some(attributes) = inside.strip_prefix(name) else { continue };
            if attributes.is_empty() || attributes.starts_with(|c: char| c.is_whitespace() || c == '/') {
                return Some((attributes, behind.split('<').next().unwrap_or_default()));
            }
        }
    })
}
