//! Bytes, ranges and preconditions over real HTTP, on a store with files and on one without.

#![allow(clippy::unwrap_used)]

mod common;

use axum::http::{Method, StatusCode};
use common::{HLS, Server, eager, etag, noise, publish, stores};

const LARGE: &str = "/p/pb_1/g1/video/00001.m4s";
const SMALL: &str = "/p/pb_1/g1/video/init.mp4";

fn files() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    vec![
        ("master.m3u8", HLS, b"#EXTM3U\n".to_vec()),
        ("video/init.mp4", "video/mp4", noise(700, 1)),
        ("video/00001.m4s", "video/iso.segment", noise(1_000_003, 2)),
        ("empty.vtt", "text/vtt", Vec::new()),
    ]
}

#[tokio::test]
async fn every_range_is_exactly_the_bytes_it_names() {
    for (_folder, store) in stores() {
        publish(&*store, 1, &files()).await;
        let server = Server::start(store, eager()).await;
        for (path, bytes) in [(SMALL, noise(700, 1)), (LARGE, noise(1_000_003, 2))] {
            let size = bytes.len();
            for (header, start, end) in [
                ("bytes=0-0".to_owned(), 0, 1),
                ("bytes=0-".to_owned(), 0, size),
                ("bytes=-1".to_owned(), size - 1, size),
                ("bytes=-9999999".to_owned(), 0, size),
                ("bytes=100-699".to_owned(), 100, 700),
                (format!("bytes={}-", size - 3), size - 3, size),
                (format!("bytes=17-{}", size + 5), 17, size),
                (format!("bytes=5-{}", size - 2), 5, size - 1),
            ] {
                let reply = server.get(path, &[("range", &header)]).await;
                assert_eq!(reply.status, StatusCode::PARTIAL_CONTENT, "{header}");
                assert!(reply.body == bytes[start..end], "{path} {header}");
                assert_eq!(reply.header("content-range"), format!("bytes {start}-{}/{size}", end - 1));
                assert_eq!(reply.header("content-length"), (end - start).to_string());
                assert_eq!(reply.header("etag"), etag(&bytes));
            }
            let whole = server.get(path, &[]).await;
            assert!(whole.status == StatusCode::OK && whole.body == bytes);
            assert_eq!(whole.header("accept-ranges"), "bytes");
            for malformed in ["bytes=9-1", "bytes=x", "pages=1-2", "bytes=1", ""] {
                let reply = server.get(path, &[("range", malformed)]).await;
                assert!(reply.status == StatusCode::OK && reply.body == bytes, "{malformed:?} is ignored");
            }
            let twice = server.get(path, &[("range", "bytes=0-1"), ("range", "bytes=2-3")]).await;
            assert_eq!(twice.status, StatusCode::OK);
            for outside in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
                let reply = server.get(path, &[("range", &outside)]).await;
                assert_eq!(reply.status, StatusCode::RANGE_NOT_SATISFIABLE, "{outside}");
                assert_eq!(reply.header("content-range"), format!("bytes */{size}"));
                assert_eq!(reply.code(), "origin.range_not_satisfiable");
            }
        }
    }
}

#[tokio::test]
async fn several_ranges_come_as_parts_that_say_what_they_are() {
    for (_folder, store) in stores() {
        publish(&*store, 1, &files()).await;
        let server = Server::start(store, eager()).await;
        let bytes = noise(1_000_003, 2);
        let reply = server.get(LARGE, &[("range", "bytes=10-19, 500000-799999, -4")]).await;
        assert_eq!(reply.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(reply.header("content-length"), reply.body.len().to_string());
        let boundary = reply.header("content-type").strip_prefix("multipart/byteranges; boundary=").unwrap();
        let mut expected = Vec::new();
        for (start, end) in [(10, 20), (500_000, 800_000), (999_999, 1_000_003)] {
            let head = format!(
                "\r\n--{boundary}\r\nContent-Type: video/iso.segment\r\nContent-Range: bytes {start}-{}/1000003\r\n\r\n",
                end - 1
            );
            expected.extend_from_slice(head.as_bytes());
            expected.extend_from_slice(&bytes[start..end]);
        }
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert!(reply.body == expected);
        assert_eq!(reply.header("content-range"), "");

        let many = (0..9).map(|i| format!("{i}-{i}")).collect::<Vec<_>>().join(",");
        assert_eq!(server.get(LARGE, &[("range", &format!("bytes={many}"))]).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn preconditions_decide_before_ranges() {
    let (_folder, store) = common::folder_store();
    publish(&*store, 1, &files()).await;
    let server = Server::start(store, eager()).await;
    for (path, bytes) in [(SMALL, noise(700, 1)), (LARGE, noise(1_000_003, 2))] {
        let tag = etag(&bytes);
        let weak = format!("W/{tag}");
        let range = ("range", "bytes=1-2");
        let table: Vec<(Vec<(&str, &str)>, u16)> = vec![
            (vec![("if-none-match", &tag)], 304),
            (vec![("if-none-match", &weak)], 304),
            (vec![("if-none-match", "*"), range], 304),
            (vec![("if-none-match", "\"other\"")], 200),
            (vec![("if-none-match", "\"other\""), range], 206),
            (vec![("if-match", &tag), range], 206),
            (vec![("if-match", "\"other\""), range], 412),
            (vec![("if-match", &weak)], 412),
            (vec![("if-range", &tag), range], 206),
            (vec![("if-range", &weak), range], 200),
            (vec![("if-range", "\"other\""), range], 200),
            (vec![("if-range", "Wed, 21 Oct 2015 07:28:00 GMT"), range], 200),
            (vec![("if-range", "\"other\""), ("range", "bytes=99999999-")], 200),
            (vec![("if-modified-since", "Wed, 21 Oct 2099 07:28:00 GMT")], 200),
        ];
        for (headers, status) in table {
            let reply = server.get(path, &headers).await;
            assert_eq!(reply.status.as_u16(), status, "{headers:?}");
            match status {
                304 => {
                    assert!(reply.body.is_empty());
                    assert_eq!(reply.header("etag"), tag);
                    assert_eq!(reply.header("cache-control"), "public, max-age=31536000, immutable");
                }
                206 => assert_eq!(reply.body, bytes[1..3]),
                412 => assert_eq!(reply.code(), "origin.precondition_failed"),
                _ => assert!(reply.body == bytes),
            }
        }
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    for (_folder, store) in stores() {
        publish(&*store, 1, &files()).await;
        let server = Server::start(store, eager()).await;
        for path in [SMALL, LARGE, "/p/pb_1/master.m3u8", "/p/pb_1/g1/empty.vtt", "/p/pb_1/g1/none", "/elsewhere"] {
            for headers in [vec![], vec![("accept-encoding", "gzip")], vec![("if-none-match", "*")]] {
                let mut get = server.get(path, &headers).await;
                let mut head = server.send(Method::HEAD, path, &headers).await;
                get.headers.remove("date");
                head.headers.remove("date");
                assert_eq!((head.status, &head.headers), (get.status, &get.headers), "{path} {headers:?}");
                assert!(head.body.is_empty());
            }
        }
        let head = server.send(Method::HEAD, SMALL, &[("range", "bytes=0-1")]).await;
        assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, "700"), "only GET has ranges");
    }
}
