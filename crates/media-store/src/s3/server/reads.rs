//! Reads under a condition, and what listings tell of objects.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use futures::stream;
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

/// Objects up to this size are read as `s3s-fs` does: some of them are replaced now and then, and it has opened the one that it told of.
const SMALL: u64 = 64 << 10;

/// What lies in the file from `start` on, so many bytes of it, in few pieces: `s3s-fs` itself reads 4 KiB at a time, each on
/// another thread, and that was most of the time of whoever reads an object.
fn in_pieces(mut file: File, start: u64, length: u64) -> io::Result<StreamingBlob> {
    const PIECE: u64 = 512 << 10;
    file.seek(SeekFrom::Start(start))?;
    let pieces = stream::try_unfold(file.take(length), |mut rest| async move {
        let mut piece = vec![0; rest.limit().min(PIECE) as usize];
        rest.read_exact(&mut piece)?;
        Ok::<_, io::Error>((!piece.is_empty()).then_some((Bytes::from(piece), rest)))
    });
    Ok(StreamingBlob::wrap(pieces))
}

/// The first byte that a `Content-Range` names (RFC 9110 §14.4).
fn first_of(range: &str) -> Option<u64> {
    range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
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
        let path = self.root.join(&input.bucket).join(&input.key);
        let mut answer = self.files.get_object(request).await?;
        let output = &mut answer.output;
        let start = output.content_range.as_deref().map_or(0, |range| first_of(range).unwrap());
        let length = output.content_length.unwrap() as u64;
        if length > SMALL {
            let body = File::open(path).and_then(|file| in_pieces(file, start, length));
            output.body = Some(body.map_err(|_| s3_error!(NoSuchKey))?);
        }
        if disposition.is_some() {
            answer.output.content_disposition = disposition;
        }
        Ok(answer)
    }
}
