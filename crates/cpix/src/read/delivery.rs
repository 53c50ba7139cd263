//! Recipients, and values encrypted for them.

use drm::KeyId;

use super::{Read, base64, integer, only, owned, required, uuid};
use crate::error::Problem;
use crate::model::{DeliveryData, DocumentKey, EncryptedValue, MacMethod};
use crate::xml::{CPIX, DS, ENC, Element, PSKC};

/// The most certificates or document keys of one recipient.
const MAX_KEYS: usize = 1000;

pub(super) fn delivery_data(element: &Element) -> Read<DeliveryData> {
    let of = "DeliveryData";
    let missing = Problem::MissingElement { element: of, name: "DeliveryKey" };
    let key = only(element, of, CPIX, "DeliveryKey")?.ok_or((element.at, missing))?;
    let mut certificates = Vec::new();
    for certificate in key.named(DS, "X509Data").flat_map(|data| data.named(DS, "X509Certificate")).take(MAX_KEYS) {
        certificates.push(base64(certificate, "X509Certificate")?.to_vec());
    }
    let mut document_keys = Vec::new();
    for found in element.named(CPIX, "DocumentKey").take(MAX_KEYS) {
        document_keys.push(document_key(found)?);
    }
    let mac = match only(element, of, CPIX, "MACMethod")? {
        Some(found) => Some(mac_method(found)?),
        None => None,
    };
    let text = |name: &'static str| -> Read<Option<String>> {
        Ok(only(element, of, CPIX, name)?.map(|found| found.text().as_str().to_owned()))
    };
    Ok(DeliveryData {
        id: owned(element, "id"),
        update_version: integer(element, "updateVersion")?,
        name: owned(element, "name"),
        certificates,
        document_keys,
        mac,
        description: text("Description")?,
        sending_entity: text("SendingEntity")?,
        sender_point_of_contact: text("SenderPointOfContact")?,
        receiving_entity: text("ReceivingEntity")?,
    })
}

fn document_key(element: &Element) -> Read<DocumentKey> {
    let mut encrypts = Vec::new();
    for found in element.attribute("encryptsKey").unwrap_or_default().split_ascii_whitespace() {
        encrypts.push(KeyId(uuid(element, "encryptsKey", found)?));
    }
    let secret_of = match only(element, "DocumentKey", CPIX, "Data")? {
        Some(data) => only(data, "Data", PSKC, "Secret")?,
        None => None,
    };
    let value = secret_of.map(secret).transpose()?.flatten();
    Ok(DocumentKey { id: owned(element, "id"), encrypts, value })
}

fn mac_method(element: &Element) -> Read<MacMethod> {
    // RFC 6030 names it MACKey; some services call it Key.
    let key = match only(element, "MACMethod", PSKC, "MACKey")? {
        None => only(element, "MACMethod", CPIX, "Key")?,
        found => found,
    };
    Ok(MacMethod {
        algorithm: required(element, "MACMethod", "Algorithm")?.to_owned(),
        key: key.map(encrypted_data).transpose()?,
    })
}

/// `EncryptedValue` and `ValueMAC` of a `Secret` (RFC 6030).
pub(super) fn secret(secret: &Element) -> Read<Option<EncryptedValue>> {
    let Some(found) = only(secret, "Secret", PSKC, "EncryptedValue")? else { return Ok(None) };
    let mut value = encrypted_data(found)?;
    if let Some(mac) = only(secret, "Secret", PSKC, "ValueMAC")? {
        value.mac = Some(base64(mac, "ValueMAC")?.to_vec());
    }
    Ok(Some(value))
}

/// `EncryptedDataType` of XML Encryption.
fn encrypted_data(element: &Element) -> Read<EncryptedValue> {
    let of = "EncryptedValue";
    let missing = |name| (element.at, Problem::MissingElement { element: of, name });
    let method = only(element, of, ENC, "EncryptionMethod")?.ok_or_else(|| missing("EncryptionMethod"))?;
    let data = only(element, of, ENC, "CipherData")?.ok_or_else(|| missing("CipherData"))?;
    let cipher = only(data, "CipherData", ENC, "CipherValue")?.ok_or_else(|| missing("CipherValue"))?;
    Ok(EncryptedValue {
        algorithm: required(method, "EncryptionMethod", "Algorithm")?.to_owned(),
        digest: only(method, "EncryptionMethod", DS, "DigestMethod")?.and_then(|found| owned(found, "Algorithm")),
        cipher: base64(cipher, "CipherValue")?.to_vec(),
        mac: None,
    })
}
