//! Passkeys, by an authenticator of a few lines.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use sha2::{Digest, Sha256};

use super::factors::{STEP_UP, claims};
use super::*;

const PASSKEYS: &str = "/api/v1/auth/passkeys";
const NEW: &str = "/api/v1/auth/passkeys/challenge";
const ASK: &str = "/api/v1/auth/sessions/passkey-challenge";
const SIGN_IN: &str = "/api/v1/auth/sessions/passkey";
const ORIGIN: &str = "http://localhost:3000";
const UP: u8 = 0x01;
const UV: u8 = 0x04;
const BE: u8 = 0x08;
const BS: u8 = 0x10;
const AT: u8 = 0x40;

/// What is wrong, and how an authenticator comes to say it.
type Change = (&'static str, fn(&mut Authenticator));

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What an authenticator has, and what it says: a test changes what it likes.
struct Authenticator {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    counter: u32,
    /// How far the counter goes on each time.
    counts: u32,
    flags: u8,
    origin: String,
    party: String,
    user: String,
    /// As COSE has it.
    algorithm: u8,
    /// What of the challenge is signed.
    challenge: fn(&str) -> String,
    kind: Option<&'static str>,
}

impl Authenticator {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let id = pair.public_key().as_ref()[1..17].to_vec();
        Self {
            pair,
            id,
            counter: 1,
            counts: 1,
            flags: UP | UV,
            origin: ORIGIN.to_owned(),
            party: "localhost".to_owned(),
            user: String::new(),
            // ES256, which is -7.
            algorithm: 0x26,
            challenge: str::to_owned,
            kind: None,
        }
    }

    /// Says what is right again.
    fn repent(&mut self, user: &str, id: &[u8]) {
        let Self { flags, origin, party, algorithm, challenge, kind, .. } = Self::new();
        (self.flags, self.origin, self.party, self.algorithm) = (flags, origin, party, algorithm);
        (self.challenge, self.kind, self.user, self.id) = (challenge, kind, user.to_owned(), id.to_vec());
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = (self.challenge)(options["challenge"].as_str().unwrap());
        let kind = self.kind.unwrap_or(kind);
        let said = json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false });
        said.to_string().into_bytes()
    }

    fn data(&self, flags: u8, behind: &[u8]) -> Vec<u8> {
        let party: [u8; 32] = Sha256::digest(self.party.as_bytes()).into();
        [&party[..], &[flags], &self.counter.to_be_bytes(), behind].concat()
    }

    /// What `navigator.credentials.create()` answers.
    fn create(&mut self, options: &Value) -> Value {
        self.user = options["user"]["id"].as_str().unwrap().to_owned();
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let key = [&[0xa5, 1, 2, 3, self.algorithm, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat();
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let data = self.data(self.flags | AT, &[&[0_u8; 16][..], &length, &self.id, &key].concat());
        let length = u8::try_from(data.len()).unwrap();
        let object = [&b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"[..], &[length], &data].concat();
        let client = self.client_data("webauthn.create", options);
        json!({ "id": text(&self.id), "rawId": text(&self.id), "type": "public-key", "clientExtensionResults": {},
            "response": { "clientDataJSON": text(&client), "attestationObject": text(&object), "transports": ["internal"] } })
    }

    /// What `navigator.credentials.get()` answers.
    fn get(&mut self, options: &Value) -> Value {
        self.counter += self.counts;
        let (data, client) = (self.data(self.flags, &[]), self.client_data("webauthn.get", options));
        let hash: [u8; 32] = Sha256::digest(&client).into();
        let signature = self.pair.sign(&SystemRandom::new(), &[&data[..], &hash[..]].concat()).unwrap();
        json!({ "id": text(&self.id), "rawId": text(&self.id), "type": "public-key", "clientExtensionResults": {},
            "response": { "clientDataJSON": text(&client), "authenticatorData": text(&data),
                "signature": text(signature.as_ref()), "userHandle": self.user } })
    }
}

impl Process {
    /// What a browser is asked for by a person who makes a passkey.
    async fn creation(&self, token: &str) -> Value {
        let (status, _, body) = self.call(token, "POST", NEW, Value::Null).await;
        assert_eq!(status, 200, "{body}");
        body["public_key"].clone()
    }

    async fn keep(&self, token: &str, credential: Value) -> (u16, String, Value) {
        self.call(token, "POST", PASSKEYS, json!({ "name": "the laptop", "credential": credential })).await
    }

    /// A passkey of whom the token is from; its id.
    async fn register(&self, token: &str, authenticator: &mut Authenticator) -> String {
        let credential = authenticator.create(&self.creation(token).await);
        let (status, _, made) = self.keep(token, credential).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// What a browser is asked for by somebody who signs in.
    async fn request(&self) -> Value {
        let (status, _, body) = self.call("", "POST", ASK, Value::Null).await;
        assert_eq!(status, 200, "{body}");
        body["public_key"].clone()
    }

    async fn show(&self, credential: &Value) -> (u16, String, Value) {
        self.call("", "POST", SIGN_IN, json!({ "credential": credential })).await
    }

    /// A sign-in by a passkey.
    async fn sign_in_by(&self, authenticator: &mut Authenticator) -> (u16, String, Value) {
        let credential = authenticator.get(&self.request().await);
        self.show(&credential).await
    }
}

#[tokio::test]
async fn a_passkey_alone_lets_its_person_in_at_any_process_and_each_answer_once() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let mut authenticator = Authenticator::new();
        let options = process.creation(&token).await;
        assert_eq!((&options["rp"]["id"], &options["user"]["id"]), (&json!("localhost"), &json!(text(id.as_bytes()))));
        assert_eq!(
            (&options["user"]["name"], &options["excludeCredentials"]),
            (&json!("anna@example.com"), &json!([]))
        );
        assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
        let credential = authenticator.create(&options);
        let there = process.another();
        let (status, _, made) = there.keep(&token, credential.clone()).await;
        assert_eq!((status, &made["name"], &made["last_used_at"]), (201, &json!("the laptop"), &Value::Null), "{made}");
        let again = process.keep(&token, credential).await;
        assert_eq!((again.0, again.1.as_str()), (422, "passkey.refused"), "a challenge is answered once");
        let excluded = json!([{ "type": "public-key", "id": text(&authenticator.id) }]);
        assert_eq!(process.creation(&token).await["excludeCredentials"], excluded);

        let shown = authenticator.get(&process.request().await);
        let (status, _, session) = there.show(&shown).await;
        assert_eq!((status, &session["user_id"]), (201, &json!(id)), "{session}");
        let access = session["access_token"].as_str().unwrap();
        let said = claims(access);
        assert_eq!((&said["amr"], &said["acr"]), (&json!(["hwk", "user", "mfa"]), &json!("aal2")));
        assert_eq!(process.status(access).await, 200);
        let replayed = process.show(&shown).await;
        assert_eq!((replayed.0, replayed.1.as_str()), (401, "passkey.refused"));
        let request = process.request().await;
        let one = authenticator.get(&request);
        let racing = futures::future::join_all((0..5).map(|_| process.show(&one))).await;
        assert_eq!(racing.iter().filter(|(status, ..)| *status == 201).count(), 1, "{racing:?}");
        let (_, _, listed) = process.call(&token, "GET", PASSKEYS, Value::Null).await;
        assert_eq!(listed["items"][0]["last_used_at"], "2026-11-21T03:50:00.000Z");
        let kinds = process.kinds("ten_default").await;
        assert_eq!(kinds.iter().filter(|kind| kind.starts_with("user.passkey")).count(), 1, "{kinds:?}");
    })
    .await;
}

#[tokio::test]
async fn a_passkey_that_can_be_on_several_devices_says_so_and_need_not_count() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let mut synced = Authenticator { flags: UP | UV | BE, counter: 0, counts: 0, ..Authenticator::new() };
        process.register(&token, &mut synced).await;
        synced.flags |= BS;
        for _ in 0..2 {
            let (status, _, session) = process.sign_in_by(&mut synced).await;
            assert_eq!(status, 201, "{session}");
            assert_eq!(claims(session["access_token"].as_str().unwrap())["amr"], json!(["swk", "user", "mfa"]));
        }
        let (_, _, listed) = process.call(&token, "GET", PASSKEYS, Value::Null).await;
        assert_eq!(listed["items"][0]["is_backed_up"], true);
        synced.flags = UP | UV;
        assert_eq!(process.sign_in_by(&mut synced).await.0, 401, "and it cannot stop being such a one");
    })
    .await;
}

#[tokio::test]
async fn no_answer_that_lacks_anything_lets_anybody_in() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &[]).await;
        process.person("default", "bob@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let (bobs, _) = process.tokens("bob@example.com").await;
        let (mut own, mut other) = (Authenticator::new(), Authenticator::new());
        process.register(&token, &mut own).await;
        process.register(&bobs, &mut other).await;
        let (user, of_bob, credential) = (own.user.clone(), other.user.clone(), own.id.clone());
        assert_eq!(user, text(id.as_bytes()));
        let changes: [Change; 13] = [
            ("another port", |it| it.origin = "http://localhost:3001".to_owned()),
            ("another scheme", |it| it.origin = "https://localhost:3000".to_owned()),
            ("another host", |it| it.origin = "http://localhost.evil.example:3000".to_owned()),
            ("another domain", |it| it.party = "evil.example".to_owned()),
            ("another challenge", |it| it.challenge = |_| text(&[7; 32])),
            ("no challenge", |it| it.challenge = |_| String::new()),
            ("another ceremony", |it| it.kind = Some("webauthn.create")),
            ("nobody there", |it| it.flags = UV),
            ("nobody verified", |it| it.flags = UP),
            ("on other devices all at once", |it| it.flags = UP | UV | BE),
            ("the same, and copied", |it| it.flags = UP | UV | BS),
            ("nobody's", |it| it.user = String::new()),
            ("another passkey", |it| it.id = vec![9; 16]),
        ];
        for (what, change) in changes {
            change(&mut own);
            let refused = process.sign_in_by(&mut own).await;
            assert_eq!((refused.0, refused.1.as_str()), (401, "passkey.refused"), "{what}");
            own.repent(&user, &credential);
        }
        own.user = of_bob;
        assert_eq!(process.sign_in_by(&mut own).await.0, 401, "for somebody else");
        own.repent(&user, &credential);
        let wrong = |name: &str, value: Value, mut shown: Value| {
            shown["response"][name] = value;
            shown
        };
        let shown = own.get(&process.request().await);
        let data = shown["response"]["authenticatorData"].as_str().unwrap();
        for (name, value) in [
            ("signature", json!(text(&[0; 70]))),
            ("signature", json!("")),
            ("signature", other.get(&process.request().await)["response"]["signature"].clone()),
            ("authenticatorData", json!(data[..data.len() - 4])),
            ("authenticatorData", json!("+/")),
            ("clientDataJSON", json!(text(b"{}"))),
            ("userHandle", Value::Null),
            ("userHandle", json!(text(b"a\0"))),
        ] {
            let refused = process.show(&wrong(name, value.clone(), shown.clone())).await;
            assert_eq!((refused.0, refused.1.as_str()), (401, "passkey.refused"), "{name} {value}");
        }
        assert_eq!(process.show(&shown).await.0, 201, "what was refused has used nothing up");
        let for_another_end = own.get(&process.creation(&token).await);
        assert_eq!(process.show(&for_another_end).await.0, 401);
        let late = own.get(&process.request().await);
        process.pass(Duration::from_secs(300));
        assert_eq!(process.show(&late).await.0, 401, "it waits for five minutes");
        assert_eq!(process.sign_in_by(&mut own).await.0, 201);
    })
    .await;
}

#[tokio::test]
async fn a_passkey_that_two_have_is_refused_and_told_of() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let mut authenticator = Authenticator { counter: 40, ..Authenticator::new() };
        let id = process.register(&token, &mut authenticator).await;
        for (counter, status) in [(40, 201), (40, 401), (7, 401), (u32::MAX - 1, 201), (41, 401)] {
            authenticator.counter = counter;
            let (answered, code, _) = process.sign_in_by(&mut authenticator).await;
            assert_eq!((answered, code == "passkey.refused"), (status, status == 401), "{counter}");
        }
        let events = outbox::after(&db, &default_tenant(), 0, 100).await.unwrap();
        let told: Vec<_> = events.iter().filter(|event| event.kind == "user.passkey_copied").collect();
        assert_eq!(told.len(), 3);
        assert!(told.iter().all(|event| event.data.0["passkey_id"] == json!(id)));
    })
    .await;
}

#[tokio::test]
async fn only_what_answers_ones_own_challenge_becomes_a_passkey() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        process.person("default", "bob@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let (bobs, _) = process.tokens("bob@example.com").await;
        let mut own = Authenticator::new();
        let credential = own.id.clone();
        let changes: [Change; 8] = [
            ("another origin", |it| it.origin = "http://localhost:3001".to_owned()),
            ("another domain", |it| it.party = "evil.example".to_owned()),
            ("another challenge", |it| it.challenge = |_| text(&[7; 32])),
            ("another ceremony", |it| it.kind = Some("webauthn.get")),
            ("nobody there", |it| it.flags = UV),
            ("nobody verified", |it| it.flags = UP),
            ("another algorithm", |it| it.algorithm = 0x2a),
            ("backed up though it cannot be", |it| it.flags = UP | UV | BS),
        ];
        for (what, change) in changes {
            change(&mut own);
            let made = own.create(&process.creation(&token).await);
            let refused = process.keep(&token, made).await;
            assert_eq!((refused.0, refused.1.as_str()), (422, "passkey.refused"), "{what}");
            own.repent("", &credential);
        }
        let made = own.create(&process.creation(&token).await);
        assert_eq!(process.keep(&bobs, made.clone()).await.1, "passkey.refused", "a challenge is one person's");
        let object = made["response"]["attestationObject"].as_str().unwrap();
        for (pointer, value) in [
            ("/response/attestationObject", json!(object[..object.len() - 8])),
            ("/response/clientDataJSON", json!("")),
            ("/type", json!("password")),
            ("/id", json!(text(&[9; 16]))),
        ] {
            let mut changed = made.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_eq!(process.keep(&token, changed).await.1, "passkey.refused", "{pointer}");
        }
        for name in ["", "a\0", &"a".repeat(101)] {
            let body = json!({ "name": name, "credential": made });
            assert_eq!(process.call(&token, "POST", PASSKEYS, body).await.1, "passkey.invalid_name");
        }
        assert_eq!(process.keep(&token, made).await.0, 201);
        for token in [&token, &bobs] {
            let again = own.create(&process.creation(token).await);
            let known = process.keep(token, again).await;
            assert_eq!((known.0, known.1.as_str()), (409, "passkey.known"));
        }
        let late = Authenticator::new().create(&process.creation(&token).await);
        process.pass(Duration::from_secs(300));
        assert_eq!(process.keep(&token, late).await.1, "passkey.refused", "it waits for five minutes");
    })
    .await;
}

#[tokio::test]
async fn a_person_has_twenty_passkeys_names_them_and_removes_them() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        let id = process.person("default", "anna@example.com", &[]).await;
        process.person("default", "bob@example.com", &[]).await;
        let (token, _) = process.tokens("anna@example.com").await;
        let (bobs, _) = process.tokens("bob@example.com").await;
        let mut first = Authenticator::new();
        let at = format!("{PASSKEYS}/{}", process.register(&token, &mut first).await);
        for _ in 1..20 {
            process.register(&token, &mut Authenticator::new()).await;
        }
        let more = Authenticator::new().create(&process.creation(&token).await);
        let many = process.keep(&token, more).await;
        assert_eq!((many.0, many.1.as_str()), (422, "passkey.too_many"));
        let (status, _, renamed) = process.call(&token, "PATCH", &at, json!({ "name": "the key ring" })).await;
        assert_eq!((status, &renamed["name"]), (200, &json!("the key ring")));
        assert_eq!(process.call(&token, "PATCH", &at, json!({ "name": "" })).await.1, "passkey.invalid_name");
        for (method, body) in [("PATCH", json!({ "name": "mine" })), ("DELETE", Value::Null)] {
            let refused = process.call(&bobs, method, &at, body).await;
            assert_eq!((refused.0, refused.1.as_str()), (404, "passkey.not_found"), "{method}: it is somebody else's");
        }
        assert_eq!(process.sign_in_by(&mut first).await.0, 201);
        assert_eq!(process.call(&token, "DELETE", &at, Value::Null).await.0, 204);
        assert_eq!(process.sign_in_by(&mut first).await.0, 401);
        let (_, _, listed) = process.call(&token, "GET", PASSKEYS, Value::Null).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 19);

        let mut last = Authenticator::new();
        process.register(&token, &mut last).await;
        let user = format!("{USERS}/{id}");
        let state = async |state: &str| {
            let body = json!({ "state": state });
            process.send(TOKEN, ("PATCH", &user), &[("if-match", "*")], body).await.status
        };
        assert_eq!((state("suspended").await, process.sign_in_by(&mut last).await.0), (200, 401));
        assert_eq!((state("active").await, process.sign_in_by(&mut last).await.0), (200, 201));
        assert_eq!(process.call(TOKEN, "DELETE", &format!("{user}/factors"), Value::Null).await.0, 204);
        assert_eq!(process.sign_in_by(&mut last).await.0, 401, "whoever may see to him has taken them");
        let left: Vec<(String,)> = db.all("SELECT id FROM auth_passkey LIMIT 99", args![]).await.unwrap();
        assert_eq!(left, []);
    })
    .await;
}

#[tokio::test]
async fn a_passkey_proves_within_a_session_who_one_is_if_it_is_ones_own() {
    for_each_engine(|db| async move {
        let process = Process::first(&db);
        process.person("default", "anna@example.com", &[]).await;
        process.person("default", "bob@example.com", &[]).await;
        let (token, refresh) = process.tokens("anna@example.com").await;
        let (bobs, _) = process.tokens("bob@example.com").await;
        let (mut own, mut other) = (Authenticator::new(), Authenticator::new());
        let at = format!("{PASSKEYS}/{}", process.register(&token, &mut own).await);
        process.register(&bobs, &mut other).await;
        process.pass(Duration::from_secs(601));
        let (token, _) = process.refreshed(&refresh).await;
        assert_eq!(process.call(&token, "DELETE", &at, Value::Null).await.1, "session.step_up_required");
        let foreign = json!({ "passkey": other.get(&process.request().await) });
        let refused = process.call(&token, "POST", STEP_UP, foreign).await;
        assert_eq!((refused.0, refused.1.as_str()), (422, "passkey.refused"));
        let shown = json!({ "passkey": own.get(&process.request().await) });
        let (status, _, proved) = process.call(&token, "POST", STEP_UP, shown.clone()).await;
        assert_eq!(status, 200, "{proved}");
        let fresh = proved["access_token"].as_str().unwrap();
        assert_eq!(claims(fresh)["amr"], json!(["pwd", "hwk", "user", "mfa"]));
        assert_eq!(process.call(&token, "POST", STEP_UP, shown).await.1, "passkey.refused", "each once, here too");
        assert_eq!(process.call(fresh, "DELETE", &at, Value::Null).await.0, 204);
    })
    .await;
}
