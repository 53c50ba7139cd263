//! Whoever sends too many requests is told so, and nobody else notices.

use kernel::Proxies;
use serde_json::json;

use crate::server::{Answer, SERVICE_TOKEN, Server, TOKEN, read};

const PLAYBACK: &str = "/api/v1/playback/pb_none";

/// Requests that are sent at once, by whoever has this token.
async fn burst(server: &Server, token: &str, count: usize) -> Vec<Answer> {
    futures::future::join_all((0..count).map(|_| server.ask(token, "GET", "/api/v1/assets", ""))).await
}

fn with_status(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// A number out of a header such as `"caller-read";r=4;t=1`.
fn number(header: &str, policy: &str, name: &str) -> u64 {
    let item = header.split(", ").find(|item| item.starts_with(&format!("\"{policy}\";"))).unwrap();
    item.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).unwrap().parse().unwrap()
}

#[tokio::test]
async fn of_a_burst_the_right_share_is_answered_and_other_keys_are_not_concerned() {
    let server =
        Server::limited(&["caller-read=40/86400", "caller-change=2/86400", "tenant-read=60/86400"], Proxies::none())
            .await;
    let north = server.tenant("north").await;
    server.tenant("south").await;
    let (_, one) = server.key("north", &["*"]).await;
    let (_, two) = server.key("north", &["*"]).await;
    let (_, other) = server.key("south", &["*"]).await;

    let answers = burst(&server, &one, 120).await;
    assert_eq!((with_status(&answers, 200), with_status(&answers, 429)), (40, 80), "a third of three times as many");
    let mut left: Vec<u64> = Vec::new();
    for answer in &answers {
        let (limit, policy) = (answer.header("ratelimit"), answer.header("ratelimit-policy"));
        assert_eq!((number(policy, "caller-read", "q"), number(policy, "caller-read", "w")), (40, 86_400));
        if answer.status == 200 {
            left.push(number(limit, "caller-read", "r"));
            assert!(number(limit, "tenant-read", "r") >= 20, "{limit}");
            continue;
        }
        assert_eq!(answer.code(), "rate.limited");
        assert_eq!(answer.json()["retryable"], true);
        let again_in_s: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=2_160).contains(&again_in_s), "{again_in_s} s until there is a fortieth of a day");
        assert_eq!((number(limit, "caller-read", "r"), number(limit, "caller-read", "t")), (0, again_in_s));
    }
    left.sort_unstable();
    assert_eq!(left, (0..40).collect::<Vec<u64>>(), "each is told of one less");

    let answers = burst(&server, &two, 30).await;
    assert_eq!((with_status(&answers, 200), with_status(&answers, 429)), (20, 10), "a tenant's keys share what it has");
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(number(refused.header("ratelimit"), "tenant-read", "r"), 0);
    assert_eq!(with_status(&burst(&server, &other, 40).await, 200), 40, "another tenant is not concerned");
    assert_eq!(with_status(&burst(&server, TOKEN, 100).await, 200), 100, "nor is the operator");

    let wish = json!({ "filename": "a.mp4", "size": 3 }).to_string();
    for expected in [201, 201, 429] {
        let made = server.ask(&one, "POST", "/api/v1/uploads", wish.clone()).await;
        assert_eq!(made.status, expected, "changes are counted apart");
    }
    let recorded = server.recorded_of(&north.parse().unwrap()).await;
    assert_eq!(
        recorded.iter().filter(|record| record.action == "create_upload").count(),
        2,
        "what is refused is no change"
    );
    let figures = server.get("/metrics").await.body;
    let figures = std::str::from_utf8(&figures).unwrap();
    assert!(figures.contains("lectern_rate_limited_total{policy=\"caller-read\"}"), "{figures}");
}

#[tokio::test]
async fn what_needs_no_key_is_counted_by_address_and_what_a_client_says_of_that_changes_nothing() {
    let server = Server::limited(&["address-read=20/86400"], Proxies::none()).await;
    let ask = async |path: &str, number: usize| {
        let (ip, ip6) = (format!("203.0.113.{number}"), format!("for=\"[2001:db8:{number}::1]\""));
        let forged = [("forwarded", ip6.as_str()), ("x-forwarded-for", &ip), ("x-real-ip", &ip)];
        server.anonymous("GET", path, &forged).await
    };
    for number in 0..20 {
        let answer = ask(PLAYBACK, number).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "playback.not_found"));
    }
    for (number, path) in
        [PLAYBACK, "/", "/api/docs", "/api/openapi.json", "/api/v1/assets", "/nope"].into_iter().enumerate()
    {
        let refused = ask(path, number).await;
        assert_eq!((refused.status, refused.code().as_str()), (429, "rate.limited"), "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        let answer = ask(path, 0).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, ""), "{path} answers whoever asks");
    }
    assert_eq!(server.get("/api/v1/assets").await.status, 200);
}

#[tokio::test]
async fn only_a_trusted_proxy_says_for_whom_it_asks() {
    let server = Server::limited(&["address-read=2/86400"], Proxies::trusting(|peer| peer.is_loopback())).await;
    let ask = async |forwarded: &str| server.anonymous("GET", PLAYBACK, &[("forwarded", forwarded)]).await.status;
    for client in ["for=203.0.113.1", "for=203.0.113.2", "for=\"[2001:db8::1]:80\""] {
        for expected in [404, 404, 429] {
            assert_eq!(ask(client).await, expected, "{client}");
        }
        // What a client wrote itself stands in front of what the proxy adds.
        assert_eq!(ask(&format!("for=198.51.100.1, {client}")).await, 429, "{client}");
    }
    assert_eq!(ask("for=203.0.113.3").await, 404);
}

#[tokio::test]
async fn who_guesses_keys_is_stopped_and_who_has_one_is_not() {
    let server = Server::limited(&["unknown-token=5/86400"], Proxies::none()).await;
    let (_, secret) = server.key("default", &["asset.read"]).await;
    assert_eq!(server.ask(&secret, "GET", "/api/v1/assets", "").await.status, 200);
    let guess = async |number: usize| {
        let bearer = format!("Bearer lk_{number:032x}_{}", "A".repeat(43));
        read(server.send("GET", "/api/v1/assets", &[("authorization", &bearer)], "".into()).await).await
    };
    for number in 0..5 {
        assert_eq!(guess(number).await.code(), "auth.invalid_token");
    }
    let refused = guess(5).await;
    assert_eq!(
        (refused.code().as_str(), number(refused.header("ratelimit"), "unknown-token", "r")),
        ("rate.limited", 0)
    );
    for (token, status) in [(secret.as_str(), 200), (TOKEN, 200), (SERVICE_TOKEN, 401)] {
        assert_eq!(server.ask(token, "GET", "/api/v1/assets", "").await.status, status);
    }
}
