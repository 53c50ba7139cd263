//! The codes of what the engine's units refuse, beside those of the kernel.

kernel::problem_codes! {
    /// Every code of this crate.
    pub(crate) ALL:
    ASSET_NOT_FOUND = "asset.not_found",
        "There is no asset with this id, or it is gone.",
        "check the id; GET /api/v1/assets lists the assets there are";
    ASSET_NOT_READY = "asset.not_ready",
        "Only what is ready can be encoded again.",
        "wait until the asset is ready; have one that failed tried again with POST /api/v1/assets/{id}/retry";
    ASSET_NOT_RETRYABLE = "asset.not_retryable",
        "Only an asset one of whose jobs gave up, and whose source is whole, can go on.",
        "upload the file again; for what is ready, ask for a renewal";
    ASSET_UNKNOWN_STATE = "asset.unknown_state",
        "The filter names a state that assets do not have.",
        "use awaiting_upload, ingesting, processing, ready, errored or deleting";
    EVENTS_INVALID_ID = "events.invalid_id",
        "`Last-Event-ID` is the number of an event.",
        "send the id of the last event that you have, or leave the header out";
    JOB_ENDED = "job.ended",
        "The job is done, parked or cancelled.",
        "nothing is left to cancel; DELETE /api/v1/assets/{id} removes what was made";
    JOB_NOT_FOUND = "job.not_found",
        "There is no job with this id.",
        "check the id; GET /api/v1/jobs lists the jobs there are";
    JOB_NOT_RETRYABLE = "job.not_retryable",
        "Only a parked job of what is being made can go on.",
        "look for parked jobs in GET /api/v1/jobs?state=parked; ask for a renewal that was given up again";
    LADDER_NOT_FOUND = "ladder.not_found",
        "There is no ladder of this name.",
        "check the name; GET /api/v1/ladders lists the ladders there are";
    LADDER_UNKNOWN = "ladder.unknown",
        "The request names a ladder that is not there.",
        "use a name from GET /api/v1/ladders, or leave the ladder out";
    LICENCE_EXPIRED_TOKEN = "licence.expired_token",
        "The playback token is past its time, or before it.",
        "get a new token from the site that shows the recording";
    LICENCE_HDCP_REQUIRED = "licence.hdcp_required",
        "The playback token demands a protected display, which Clear Key cannot see to.",
        "ask with another licence system, or for a token without min_hdcp";
    LICENCE_INVALID_REQUEST = "licence.invalid_request",
        "The body is no licence request, or too large for one.",
        "send what the player's message event holds, unchanged";
    LICENCE_INVALID_TOKEN = "licence.invalid_token",
        "The playback token was not made here, was changed, or its key is no longer in use.",
        "get a new token with POST /api/v1/playback/PLAYBACK_ID/tokens and send it unchanged";
    LICENCE_KEYS_AWAY = "licence.keys_away",
        "The service that opens content keys does not answer.",
        "ask again after the seconds in Retry-After";
    LICENCE_MEDIA_TYPE = "licence.media_type",
        "The challenge has another media type than its licence system has.",
        "send application/octet-stream to widevine and fairplay, text/xml to playready";
    LICENCE_MISSING_TOKEN = "licence.missing_token",
        "A licence is given to holders of a playback token.",
        "send the token as 'Authorization: Bearer TOKEN' or as the query parameter token";
    LICENCE_NO_KEYS = "licence.no_keys",
        "None of the keys that were asked for is given to this token.",
        "ask for the key ids of this recording's manifest, and for those that the token allows";
    LICENCE_NOT_CONFIGURED = "licence.not_configured",
        "The server has no key-encryption key, so it can neither keep content keys nor sign tokens.",
        "start the server with LECTERN_KEK_FILE naming a file of mode 0600 that 'openssl rand -hex 32' wrote, or with \
            the same digits in LECTERN_KEK";
    LICENCE_NOT_PERSISTENT = "licence.not_persistent",
        "The playback token does not allow a licence that is kept.",
        "ask for a temporary licence, or for a token with may_persist";
    LICENCE_OTHER_PLAYBACK = "licence.other_playback",
        "The playback token is for another recording.",
        "use the token that was made for this playback id";
    LICENCE_REFUSED = "licence.refused",
        "The licence server decided that this player gets no licence.",
        "ask whoever runs the licence server; its log says why";
    LICENCE_SERVER_FAILED = "licence.server_failed",
        "The licence server cannot be reached, or failed.",
        "ask again after the seconds in Retry-After; the log has more";
    LICENCE_SERVER_SLOW = "licence.server_slow",
        "The licence server did not answer in time.",
        "ask again after the seconds in Retry-After";
    LICENCE_SYSTEM_NOT_CONFIGURED = "licence.system_not_configured",
        "This server asks no licence server for this system.",
        "start the server with LECTERN_LICENCE_WIDEVINE_URL, LECTERN_LICENCE_PLAYREADY_URL or LECTERN_LICENCE_FAIRPLAY_URL \
            (and LECTERN_LICENCE_FAIRPLAY_CERTIFICATE) naming the licence server, or use another system";
    PLAYBACK_FAILED = "playback.failed",
        "The recording could not be processed; its asset says why.",
        "read the asset's error, cure what it names, and have it tried again or upload the recording again";
    PLAYBACK_NOT_FOUND = "playback.not_found",
        "Nothing is played under this id.",
        "use the playback_id of an asset, which is not its id";
    PLAYBACK_NOT_READY = "playback.not_ready",
        "The recording is still being processed.",
        "ask again after the seconds in Retry-After";
    QUOTA_CPU = "quota.cpu",
        "Work for this tenant has taken all the time that it may today.",
        "repeat the request after the seconds in Retry-After, or have the limit raised";
    QUOTA_OPEN_ASSETS = "quota.open_assets",
        "As many recordings as may be are not ready yet.",
        "repeat the request after the seconds in Retry-After, or cancel what is not needed";
    QUOTA_STORED_BYTES = "quota.stored_bytes",
        "The sources of this tenant take all the room that they may.",
        "delete recordings that are not needed, or have the limit raised";
    RENDITION_UNKNOWN = "rendition.unknown",
        "The request names a rendition that the recording does not have.",
        "use a name from the renditions of GET /api/v1/assets/{id}";
    SOURCE_NO_LINK = "source.no_link",
        "The media lie in a folder, which has no addresses of its own.",
        "leave link out: this address gives the file itself";
    SOURCE_NOT_FOUND = "source.not_found",
        "The asset has no source that is whole.",
        "wait until the upload is attached; of a recording that was removed nothing is left";
    SOURCE_RANGE = "source.range",
        "The range begins behind the end of the source.",
        "ask for bytes below the size in Content-Range";
    SOURCE_SEALED = "source.sealed",
        "The source of a protected recording is kept sealed and not given out.",
        "keep the file that was uploaded; what is published is had with a playback token";
    SOURCE_TOO_MANY = "source.too_many",
        "Too many sources are downloaded at once.",
        "repeat the request after the seconds in Retry-After";
    SOURCE_URL_NOT_SUPPORTED = "source.url_not_supported",
        "Sources are uploaded, not fetched.",
        "upload the file with POST /api/v1/uploads and name the asset in assetId";
    STORAGE_UNAVAILABLE = "storage.unavailable",
        "The server that keeps the media does not answer, or refuses. What was acknowledged is kept.",
        "ask again after the seconds in Retry-After; the detail tells an operator what to look at";
    TUS_CHECKSUM_MISMATCH = "tus.checksum_mismatch",
        "The chunk does not hash to its `Upload-Checksum`. Nothing of it is kept.",
        "send the chunk again from the same Upload-Offset";
    TUS_CHUNK_TOO_LARGE = "tus.chunk_too_large",
        "A chunk with a checksum has at most 16 MiB.",
        "send smaller chunks, or leave Upload-Checksum out";
    TUS_DEFERRED_LENGTH = "tus.deferred_length",
        "The length must be known at creation.",
        "send the size of the file as Upload-Length";
    TUS_EXTENSION = "tus.extension",
        "The request relies on an extension of tus that this server has not.",
        "use the extensions that OPTIONS lists in Tus-Extension";
    TUS_INVALID_CHECKSUM = "tus.invalid_checksum",
        "`Upload-Checksum` is `sha1` or `sha256`, a space and the Base64 of the hash.",
        "hash the body of the request with an algorithm of the Tus-Checksum-Algorithm that OPTIONS answers";
    TUS_INVALID_METADATA = "tus.invalid_metadata",
        "`Upload-Metadata` is a list of keys with Base64 values.",
        "send each key once, a space, and the Base64 of its UTF-8 value; pairs are parted by commas";
    TUS_INVALID_NUMBER = "tus.invalid_number",
        "The header holds a number of bytes.",
        "send decimal digits only, at most 9223372036854775807";
    TUS_MEDIA_TYPE = "tus.media_type",
        "A PATCH has the type `application/offset+octet-stream`.",
        "send the header 'Content-Type: application/offset+octet-stream'";
    TUS_MISSING_LENGTH = "tus.missing_length",
        "Creation needs `Upload-Length`.",
        "send the size of the file in bytes as Upload-Length";
    TUS_MISSING_OFFSET = "tus.missing_offset",
        "A PATCH needs `Upload-Offset`.",
        "send the Upload-Offset that HEAD answers";
    TUS_VERSION = "tus.version",
        "The header `Tus-Resumable` is `1.0.0`.",
        "use a client of tus 1.0 and send 'Tus-Resumable: 1.0.0'";
    UPLOAD_ALREADY_RECEIVED = "upload.already_received",
        "The upload is complete and belongs to its asset.",
        "delete the asset, or announce a new upload";
    UPLOAD_BLOCK_MISSING = "upload.block_missing",
        "A block is not in the store, or is not as it was said to be. Those before it count.",
        "send the block to an address from POST /api/v1/uploads/{id}/blocks, then repeat the request; or send the whole \
            source to put_url";
    UPLOAD_CLOSED = "upload.closed",
        "The upload was canceled or has expired.",
        "announce a new upload";
    UPLOAD_EMPTY = "upload.empty",
        "A source has at least one byte.",
        "choose the recording again: the file that was announced is empty";
    UPLOAD_INCOMPLETE = "upload.incomplete",
        "Fewer bytes came than were announced.",
        "resume by tus at the offset that HEAD answers, or send it again";
    UPLOAD_INVALID_FILENAME = "upload.invalid_filename",
        "A filename has 1 to 255 characters, none of them NUL.",
        "shorten the name; it is only shown, so any name will do";
    UPLOAD_INVALID_PARTS = "upload.invalid_parts",
        "A recording that is announced in parts has 2 to 32 of them.",
        "leave parts out for a single file; join the files of a longer recording before they are uploaded";
    UPLOAD_LOCKED = "upload.locked",
        "Another request is writing to the upload.",
        "stop the other request, or repeat this one after the seconds in Retry-After";
    UPLOAD_NOT_DIRECT = "upload.not_direct",
        "The store takes no bytes from clients.",
        "leave direct out, and send the bytes to put_url or tus_url";
    UPLOAD_NOT_FOUND = "upload.not_found",
        "There is no upload with this id.",
        "announce a new upload with POST /api/v1/uploads";
    UPLOAD_OFFSET_MISMATCH = "upload.offset_mismatch",
        "The upload stands elsewhere; `Upload-Offset` says where.",
        "ask with HEAD where to go on";
    UPLOAD_TOO_LARGE = "upload.too_large",
        "More bytes than were announced, or than this server takes.",
        "announce a new upload with the size of the file, within the Tus-Max-Size that OPTIONS answers";
    UPLOAD_TOO_MANY = "upload.too_many",
        "Too many uploads run at once.",
        "repeat the request after the seconds in Retry-After";
    WEB_NOT_FOUND = "web.not_found",
        "The page has no such file.",
        "open the page at / again";
    WORKER_NOT_FOUND = "worker.not_found",
        "No worker has this name, or it has ended.",
        "check the name; GET /api/v1/workers lists the workers there are";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
        for code in ALL {
            assert!(kernel::codes::ALL.iter().all(|known| known.name() != code.name()), "{}", code.name());
        }
    }
}
