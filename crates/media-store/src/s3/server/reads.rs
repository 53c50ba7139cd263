//! Reads under a condition, and what listings tell of objects.

use s3s::dto::*;
use s3s::{S3, S3Request, s3_error};

use super::{Answer, Core};

/// A key as S3 writes it when it is asked to encode keys.
pub(super) fn encoded(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*' | b'/');
    key.bytes().fold(String::new(), |text, byte| match byte {
        b' ' => text + "+",
        byte if plain(byte) => text + char::from(byte).encode_utf8(&mut [0; 4]),
        byte => text + &format!("%{byte:02X}"),
    })
}

/// A request beside the one that is answered.
fn beside<I>(input: I) -> S3Request<I> {
    S3Request {
        input,
        method: Default::default(),
        uri: Default::default(),
        headers: Default::default(),
        extensions: Default::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

impl Core {
    /// The ETag of what lies in the folder under `key`.
    pub(super) async fn etag_of(&self, bucket: &str, key: &str) -> Option<ETag> {
        let input = HeadObjectInput { bucket: bucket.to_owned(), key: key.to_owned(), ..Default::default() };
        self.files.head_object(beside(input)).await.ok()?.output.e_tag
    }

    /// Reads an object under the key that it goes by in the folder.
    pub(super) async fn read(self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        let input = &request.input;
        if let Some(ETagCondition::ETag(wanted)) = &input.if_match
            && let Some(there) = self.etag_of(&input.bucket, &input.key).await
            && !there.strong_cmp(wanted)
        {
            return Err(s3_error!(PreconditionFailed));
        }
        let disposition = input.response_content_disposition.clone();
        let mut answer = self.files.get_object(request).await?;
        if disposition.is_some() {
            answer.output.content_disposition = disposition;
        }
        Ok(answer)
    }
}
