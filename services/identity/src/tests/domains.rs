//! Domains, which a name server of the test has the proof of, and the brand that is shown at them.

use std::sync::{Mutex, PoisonError};

use tokio::net::UdpSocket;

use super::*;

const DOMAINS: &str = "/api/v1/org/domains";
const BRAND: &str = "/api/v1/org/brand";
const SHOWN: &str = "/api/v1/org/brands/north-school.example";

/// TXT records: name and text.
type Records = Arc<Mutex<Vec<(String, String)>>>;

/// A name server that says what is in the list, and of all else that there is no such name (RFC 1035 §4).
async fn name_server() -> (SocketAddr, Records) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (address, records) = (socket.local_addr().unwrap(), Records::default());
    let known = Arc::clone(&records);
    tokio::spawn(async move {
        let mut query = [0; 1500];
        while let Ok((length, client)) = socket.recv_from(&mut query).await {
            let answer = answer(&query[..length], &known.lock().unwrap_or_else(PoisonError::into_inner));
            socket.send_to(&answer, client).await.unwrap();
        }
    });
    (address, records)
}

fn answer(query: &[u8], records: &[(String, String)]) -> Vec<u8> {
    let (mut at, mut labels) = (12, Vec::new());
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
        at = end;
    }
    let name = labels.join(".");
    // Behind the end of the name are its type and class.
    let question = &query[12..at + 5];
    let texts: Vec<&String> = records.iter().filter(|(known, _)| *known == name).map(|(_, text)| text).collect();
    let (count, code) = (u8::try_from(texts.len()).unwrap(), if texts.is_empty() { 3 } else { 0 });
    let mut answer = vec![query[0], query[1], 0x80 | (query[2] & 1), 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0];
    answer.extend_from_slice(question);
    for text in texts {
        let length = u8::try_from(text.len()).unwrap();
        // The name of the question, TXT, IN, not to be kept.
        answer.extend_from_slice(&[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0, 0, length + 1, length]);
        answer.extend_from_slice(text.as_bytes());
    }
    answer
}

impl Process {
    async fn prove(&self, slug: &str, id: &Value) -> Answer {
        let at = format!("{DOMAINS}/{}/prove", id.as_str().unwrap());
        self.send(TOKEN, ("POST", &at), &[("lectern-tenant", slug)], Value::Null).await
    }

    /// What anybody is told of the brand at the domain.
    async fn brand_there(&self) -> (u16, Value) {
        let shown = self.send("", ("GET", SHOWN), &[], Value::Null).await;
        (shown.status, shown.body)
    }

    /// Where somebody belongs who has just got an account.
    async fn newcomer(&self, email: &str) -> Value {
        let id = self.somebody(email).await;
        self.ask(200, "GET", &format!("/api/v1/org/people/{id}"), Value::Null).await["node_id"].clone()
    }
}

#[tokio::test]
async fn a_domain_counts_while_its_dns_has_the_text_and_no_longer() {
    for_each_engine(|db| async move {
        let (server, records) = name_server().await;
        let address = Some(PublicAddress::new(ISSUER).unwrap());
        let process = Process::made_of(&db, &Arc::new(AtomicI64::new(1_795_233_000_000)), address, None, Some(server));
        let node = process.node("Newcomers", "root").await;
        let claim = json!({ "name": "North-School.Example", "node_id": node });
        let domain = process.ask(201, "POST", DOMAINS, claim.clone()).await;
        assert_eq!(process.ask(409, "POST", DOMAINS, claim).await["code"], "domain.exists");
        assert_eq!((&domain["name"], &domain["state"]), (&json!("north-school.example"), &json!("pending")));
        assert_eq!(domain["record_name"], "_lectern.north-school.example");
        let brand = json!({ "logo_url": "https://north-school.example/logo.svg", "primary_colour": "#00457c" });
        let (status, put) = process.anew(TOKEN, "PUT", BRAND, brand).await;
        assert_eq!((status, &put["primary_colour"]), (200, &json!("#00457c")));

        // Claimed, and looked for before it is there.
        assert_eq!(process.brand_there().await.0, 404);
        let looked = process.prove("default", &domain["id"]).await;
        assert_eq!((looked.status, &looked.body["state"]), (200, &json!("pending")));
        assert_eq!(process.brand_there().await.0, 404);
        assert_eq!(process.newcomer("early@north-school.example").await, "root");

        let text = |of: &Value, name: &str| of[name].as_str().unwrap().to_owned();
        let record = (text(&domain, "record_name"), text(&domain, "record_text"));
        records.lock().unwrap().push((record.0.clone(), "v=something-else".to_owned()));
        assert_eq!(process.prove("default", &domain["id"]).await.body["state"], "pending");
        records.lock().unwrap().push(record.clone());
        let proven = process.prove("default", &domain["id"]).await;
        assert_eq!((proven.status, &proven.body["state"]), (200, &json!("proven")));
        let (status, shown) = process.brand_there().await;
        assert_eq!((status, &shown["name"], &shown["primary_colour"]), (200, &json!("Default"), &json!("#00457c")));
        assert_eq!(process.newcomer("Anna@North-School.example").await, json!(node));
        assert_eq!(process.newcomer("anna@south-school.example").await, "root");
        assert_eq!(process.newcomer("anna@sub.north-school.example").await, "root");

        // Another tenant says the same, and may even write there.
        process.ask(201, "POST", TENANTS, json!({ "slug": "other", "name": "Other" })).await;
        let claim = json!({ "name": "north-school.example" });
        let other = process.send(TOKEN, ("POST", DOMAINS), &[("lectern-tenant", "other")], claim).await.body;
        assert_ne!(other["record_text"], domain["record_text"]);
        records.lock().unwrap().push((text(&other, "record_name"), text(&other, "record_text")));
        let refused = process.prove("other", &other["id"]).await;
        assert_eq!((refused.status, &refused.body["code"]), (409, &json!("domain.taken")));

        records.lock().unwrap().retain(|(_, text)| *text != record.1);
        assert_eq!(process.prove("default", &domain["id"]).await.body["state"], "pending");
        assert_eq!(process.brand_there().await.0, 404);
        assert_eq!(process.newcomer("late@north-school.example").await, "root");
        let kinds = process.kinds("ten_default").await;
        let told: Vec<&String> = kinds.iter().filter(|kind| kind.starts_with("domain.")).collect();
        assert_eq!(told, ["domain.created", "domain.proven", "domain.lost"]);
    })
    .await;
}

#[tokio::test]
async fn without_an_answer_of_a_name_server_a_domain_stays_what_it_is() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let domain = process.ask(201, "POST", DOMAINS, json!({ "name": "a.example" })).await;
        let refused = process.prove("default", &domain["id"]).await;
        assert_eq!((refused.status, &refused.body["code"]), (409, &json!("domain.unanswered")));
        for (body, code) in [
            (json!({ "name": "example" }), "domain.invalid_name"),
            (json!({ "name": "10.0.0.1" }), "domain.invalid_name"),
            (json!({ "name": "b.example", "node_id": "orn_none" }), "org.node_unknown"),
        ] {
            assert_eq!(process.ask(422, "POST", DOMAINS, body).await["code"], code);
        }
        for brand in [
            json!({ "logo_url": "http://a.example/logo.svg" }),
            json!({ "logo_url": "javascript:alert(1)" }),
            json!({ "accent_colour": "red; background: url(x)" }),
            json!({ "sender_name": "" }),
        ] {
            let (status, refused) = process.anew(TOKEN, "PUT", BRAND, brand.clone()).await;
            assert_eq!((status, &refused["code"]), (422, &json!("brand.invalid")), "{brand}");
        }
        let at = format!("{DOMAINS}/{}", domain["id"].as_str().unwrap());
        let node = process.node("Below", "root").await;
        let (status, changed) = process.anew(TOKEN, "PATCH", &at, json!({ "node_id": node })).await;
        assert_eq!((status, &changed["node_id"]), (200, &json!(node)));
        assert_eq!(process.send(TOKEN, ("DELETE", &at), &[], Value::Null).await.status, 428);
        assert_eq!(process.anew(TOKEN, "DELETE", &at, Value::Null).await.0, 204);
    })
    .await;
}
