//! Buckets that others fill.

use bytes::Bytes;

use super::server::Server;

const ODD: [&str; 6] =
    ["a b+c%20.mp4", "talk~1.mp4", "x/Vorlesung ä & <ö>.mp4", "x/y/z.mp4", "\u{1}line\nend.mp4", "日本語/講義.mp4"];

fn put(server: &Server, name: &str, content: &str) {
    let path = server.bucket().join("in box/Ü").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // As S3 does: it appears whole.
    let unfinished = server.bucket().join("elsewhere");
    std::fs::write(&unfinished, content).unwrap();
    std::fs::rename(unfinished, path).unwrap();
}

#[tokio::test]
async fn objects_of_any_name_are_listed_and_read_as_long_as_they_are_the_same() {
    let server = Server::start().await;
    for name in ODD {
        put(&server, name, name);
    }
    put(&server, "../outside.mp4", "not below the prefix");
    let source = server.source("in box/Ü/");
    let page = source.page(None).await.unwrap();
    let names: Vec<_> = page.objects.iter().map(|object| object.name.as_str()).collect();
    let mut sorted = ODD;
    sorted.sort_unstable();
    assert_eq!((names.as_slice(), page.next.is_none()), (&sorted[..], true));
    for object in &page.objects {
        assert_eq!(source.read(object, 0, 99).await.unwrap().unwrap(), object.name);
        assert_eq!(source.read(object, 2, 2).await.unwrap().unwrap(), &object.name.as_bytes()[2..4]);
        assert_eq!(object.size_bytes, object.name.len() as u64);
    }
    let talk = page.objects.iter().find(|object| object.name == "talk~1.mp4").unwrap();
    put(&server, "talk~1.mp4", "another tal");
    assert_eq!(source.read(talk, 0, 99).await.unwrap(), None, "another one is in its place");
    source.remove(talk).await.unwrap();
    let again = source.page(Some("talk")).await.unwrap();
    let other = &again.objects[0];
    assert_eq!((other.name.as_str(), other.etag == talk.etag), ("talk~1.mp4", false), "it stays");
    source.remove(other).await.unwrap();
    assert_eq!(source.read(other, 0, 1).await.unwrap(), None);
    let left = source.page(Some("talk")).await.unwrap();
    assert!(left.objects.iter().all(|object| object.name != "talk~1.mp4"));
}

#[tokio::test]
async fn a_thousand_objects_are_a_page() {
    let server = Server::start().await;
    let folder = server.bucket().join("many");
    std::fs::create_dir(&folder).unwrap();
    for number in 0..1003 {
        std::fs::write(folder.join(format!("{number:04}")), "x").unwrap();
    }
    let source = server.source("many/");
    let first = source.page(None).await.unwrap();
    assert_eq!((first.objects.len(), first.next.as_deref()), (1000, Some("0999")));
    let second = source.page(first.next.as_deref()).await.unwrap();
    assert_eq!((second.objects.len(), second.next.is_none()), (3, true));
}

#[tokio::test]
async fn notes_lie_beside_the_objects_and_are_none() {
    let server = Server::start().await;
    put(&server, "a.mp4", "a");
    let source = server.source("in box/Ü/");
    assert_eq!(source.noted("done/1").await.unwrap(), None);
    for (name, text) in [("done/1", "first"), ("done/2", "second"), ("done/1", "changed"), ("failed/1", "why")] {
        source.note(name, Bytes::from_static(text.as_bytes())).await.unwrap();
    }
    assert_eq!(source.noted("done/1").await.unwrap().unwrap(), "changed");
    assert_eq!(source.notes("done", None).await.unwrap(), ["done/1", "done/2"]);
    assert_eq!(source.notes("done", Some("done/1")).await.unwrap(), ["done/2"]);
    assert_eq!(source.page(None).await.unwrap().objects.len(), 1);
    assert_eq!(source.address_of("done/1"), "s3://lectures/in box/Ü/.lectern/done/1");
    assert!(source.note("../a.mp4", Bytes::new()).await.is_err());
    source.forget("done/1").await.unwrap();
    source.forget("done/1").await.unwrap();
    assert_eq!(source.notes("done", None).await.unwrap(), ["done/2"]);
}
