//! Ladders, read only: operators edit them as files.

use axum::http::HeaderMap;
use axum::response::Response;
use kernel::conditional::respond_json;
use kernel::problem::ProblemBody;
use kernel::{ApiPath, Problem};
use ladders::Ladder;
use serde::Serialize;
use utoipa::ToSchema;

use crate::codes;
use crate::state::Api;

/// One rung: what might be encoded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RungView {
    /// Such as `720p`.
    name: String,
    /// Pixels of the shorter side at most.
    height: u32,
    /// Cap of the bitrate in bits per second.
    max_bitrate_bps: u64,
    /// Rate control buffer in bits.
    buffer_bits: u64,
    /// Constant rate factor.
    crf: f64,
    /// Preset of the encoder.
    preset: String,
}

/// The sound of a ladder.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AudioView {
    /// Bits per second of AAC-LC.
    bitrate_bps: u32,
    /// The same of Opus, if the sound is encoded in that too.
    #[serde(skip_serializing_if = "Option::is_none")]
    opus_bitrate_bps: Option<u32>,
    /// Channels at most.
    channels: u32,
}

/// A ladder.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LadderView {
    /// What an upload names it by.
    name: String,
    /// One sentence.
    description: String,
    /// Whether an upload that names none gets it.
    default: bool,
    /// Pictures per second that no rendition exceeds.
    max_frame_rate: u32,
    /// Lowest first.
    rungs: Vec<RungView>,
    /// The sound.
    audio: AudioView,
    /// Whether the library is encoded again by itself when its file has changed.
    renew_library: bool,
    /// Hash of its file.
    sha256: String,
}

/// All ladders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LadderList {
    /// By name.
    items: Vec<LadderView>,
}

impl From<Ladder> for LadderView {
    fn from(ladder: Ladder) -> Self {
        let rung = |rung: ladders::Rung| RungView {
            name: rung.name,
            height: rung.height,
            max_bitrate_bps: rung.encoding.max_bitrate_bps,
            buffer_bits: rung.encoding.buffer_bits,
            crf: f64::from(rung.encoding.crf),
            preset: rung.encoding.preset,
        };
        Self {
            default: ladder.name == ladders::DEFAULT_LADDER,
            name: ladder.name,
            description: ladder.description,
            max_frame_rate: ladder.max_frame_rate,
            rungs: ladder.rungs.into_iter().map(rung).collect(),
            audio: AudioView {
                bitrate_bps: ladder.audio.bitrate_bps,
                opus_bitrate_bps: ladder.audio.opus_bitrate_bps,
                channels: ladder.audio.channels,
            },
            renew_library: ladder.renew_library,
            sha256: ladder.sha256,
        }
    }
}

/// The ladders that an upload may name.
#[utoipa::path(
    get, path = "/api/v1/ladders", operation_id = "list_ladders", tag = "ladders",
    responses((status = 200, description = "all ladders", body = LadderList))
)]
pub(crate) async fn list(api: Api, headers: HeaderMap) -> Response {
    let names = api.ladders.names();
    let items = names.iter().filter_map(|name| api.ladders.ladder(name)).map(LadderView::from).collect();
    respond_json(&headers, &LadderList { items })
}

/// One ladder.
#[utoipa::path(
    get, path = "/api/v1/ladders/{name}", operation_id = "get_ladder", tag = "ladders",
    params(("name" = String, Path, description = "its name")),
    responses(
        (status = 200, description = "the ladder", body = LadderView),
        (status = 404, description = "no such ladder", body = ProblemBody),
    )
)]
pub(crate) async fn show(api: Api, ApiPath(name): ApiPath<String>, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(respond_json(&headers, &LadderView::from(find(&api, &name)?)))
}

/// The ladder of this name, as it is in force.
pub(crate) fn find(api: &Api, name: &str) -> Result<Ladder, Problem> {
    api.ladders.ladder(name).ok_or_else(|| Problem::not_found(codes::LADDER_NOT_FOUND, "there is no such ladder"))
}
