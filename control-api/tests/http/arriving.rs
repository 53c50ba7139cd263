//! Work begins with what has arrived.

use bytes::Bytes;
use media_types::AssetId;
use serde_json::json;

use crate::server::{Server, asset_of};

const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const OFFSET_STREAM: (&str, &str) = ("content-type", "application/offset+octet-stream");
/// Pictures of a film, one a second, and the bytes of each.
const PICTURES: u32 = 100;
const PICTURE_BYTES: u32 = 100_000;
/// The first half minute, what decoders read beyond it, and what engines read more.
const ENOUGH: usize = 36 * PICTURE_BYTES as usize + (4 << 20);

fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// A box with version and flags, both 0.
fn full(kind: &[u8; 4], values: &[u32], rest: &[u8]) -> Vec<u8> {
    atom(kind, &[words(&[0]), words(values), rest.to_vec()].concat())
}

/// The index of a film whose media lie at `media`.
fn index(media: u32) -> Vec<u8> {
    let mut entry = vec![0; 78];
    (entry[7], entry[25], entry[27]) = (1, 64, 48);
    let record = [1, 0x42, 0, 10, 0xff, 0xe1, 0, 2, 0x67, 1, 1, 0, 2, 0x68, 1];
    let entry = atom(b"avc1", &[entry, atom(b"avcC", &record)].concat());
    let tables = [
        full(b"stsd", &[1], &entry),
        full(b"stts", &[1, PICTURES, 1_000], &[]),
        full(b"stsc", &[1, 1, PICTURES, 1], &[]),
        full(b"stsz", &[PICTURE_BYTES, PICTURES], &[]),
        full(b"stco", &[1, media], &[]),
    ];
    let minf = atom(b"minf", &atom(b"stbl", &tables.concat()));
    let handler = full(b"hdlr", &[0], b"vide\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let mdia = [full(b"mdhd", &[0, 0, 1_000, 0, 0x55c4_0000], &[]), handler, minf].concat();
    let matrix = words(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000, 0, 0]);
    let trak = [full(b"tkhd", &[0, 0, 1, 0, 0, 0, 0, 0, 0], &matrix), atom(b"mdia", &mdia)].concat();
    atom(b"moov", &[full(b"mvhd", &[0, 0, 600, 0], &[0; 80]), atom(b"trak", &trak)].concat())
}

/// A film with its index in front, or behind.
fn film(in_front: bool) -> Bytes {
    let brand = atom(b"ftyp", b"iso6\0\0\0\0iso6");
    let media = atom(b"mdat", &vec![7; (PICTURES * PICTURE_BYTES) as usize]);
    let before = brand.len() + 8 + if in_front { index(0).len() } else { 0 };
    let index = index(before as u32);
    if in_front { [brand, index, media].concat().into() } else { [brand, media, index].concat().into() }
}

async fn patch(server: &Server, url: &str, film: &Bytes, part: std::ops::Range<usize>) {
    let at = part.start.to_string();
    let answer = server.call("PATCH", url, &[TUS, OFFSET_STREAM, ("upload-offset", &at)], film.slice(part)).await;
    assert_eq!(answer.status, 204, "{:?}", answer.body);
}

/// The states of the looks at a recording, newest first.
async fn looks(server: &Server, asset: &AssetId) -> Vec<String> {
    let list = server.get(&format!("/api/v1/jobs?asset_id={asset}&stage=probe")).await.json();
    let state = |job: &serde_json::Value| job["state"].as_str().unwrap().to_owned();
    list["items"].as_array().unwrap().iter().map(state).collect()
}

async fn state(server: &Server, asset: &AssetId) -> String {
    server.get(&format!("/api/v1/assets/{asset}")).await.json()["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_recording_is_looked_at_as_soon_as_its_first_half_minute_is_there() {
    let server = Server::start().await;
    let film = film(true);
    let upload = server.announce("film.mp4", film.len()).await;
    let (url, asset) = (upload["tus_url"].as_str().unwrap().to_owned(), asset_of(&upload));
    let parts = [0..100, 100..400, 400..2 << 20, 2 << 20..ENOUGH - 500];
    for part in parts {
        patch(&server, &url, &film, part.clone()).await;
        assert_eq!(looks(&server, &asset).await, Vec::<String>::new(), "{part:?} is not enough");
    }
    patch(&server, &url, &film, ENOUGH - 500..ENOUGH + 1_000).await;
    assert_eq!(looks(&server, &asset).await, ["ready"]);
    assert_eq!(state(&server, &asset).await, "ingesting");
    patch(&server, &url, &film, ENOUGH + 1_000..film.len()).await;
    assert_eq!(
        (looks(&server, &asset).await, state(&server, &asset).await),
        (vec!["ready".into()], "processing".into())
    );
}

#[tokio::test]
async fn a_recording_with_its_index_behind_is_looked_at_when_it_is_whole() {
    let server = Server::start().await;
    for in_front in [true, false] {
        let film = film(in_front);
        let upload = server.announce("film.mp4", film.len()).await;
        let (url, asset) = (upload["tus_url"].as_str().unwrap().to_owned(), asset_of(&upload));
        patch(&server, &url, &film, 0..film.len() - 1).await;
        assert_eq!(looks(&server, &asset).await.len(), usize::from(in_front));
        patch(&server, &url, &film, film.len() - 1..film.len()).await;
        assert_eq!(looks(&server, &asset).await, ["ready"]);
    }
}

#[tokio::test]
async fn a_put_over_what_had_arrived_takes_back_what_was_begun_with_it() {
    let server = Server::start().await;
    let film = film(true);
    let upload = server.announce("film.mp4", film.len()).await;
    let (url, asset) = (upload["tus_url"].as_str().unwrap().to_owned(), asset_of(&upload));
    patch(&server, &url, &film, 0..ENOUGH + 1_000).await;
    let answer = server.call("PUT", upload["put_url"].as_str().unwrap(), &[], film.clone()).await;
    assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("processing")));
    assert_eq!(looks(&server, &asset).await, ["ready", "cancelled"]);
}

#[tokio::test]
async fn giving_an_upload_up_takes_back_what_was_begun_with_it() {
    let server = Server::start().await;
    let film = film(true);
    let upload = server.announce("film.mp4", film.len()).await;
    let (url, asset) = (upload["tus_url"].as_str().unwrap().to_owned(), asset_of(&upload));
    patch(&server, &url, &film, 0..ENOUGH + 1_000).await;
    assert_eq!(server.call("DELETE", &url, &[], "").await.status, 204);
    assert_eq!(
        (looks(&server, &asset).await, state(&server, &asset).await),
        (vec!["cancelled".into()], "errored".into())
    );
}
