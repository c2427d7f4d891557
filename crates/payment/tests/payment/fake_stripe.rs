//! A local Stripe: PaymentIntents and refunds with their states, answers kept by idempotency key, faults on demand, and
//! signed webhooks.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes as Body;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ordermesh_kernel::{Clock, SystemClock};
use ring::hmac;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub const API_KEY: &str = "sk_test_of_the_fake";
pub const WEBHOOK_SECRET: &str = "whsec_of_the_fake";

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is done, and the answer never comes.
    TimeoutAfterSuccess,
    /// It is turned away with this status; of 500 the answer is kept with the key, as Stripe does.
    Status(u16),
    /// It is done or not, and once, and not by the key, the answer is an error of this type, or where that is empty the
    /// page of something on the way to Stripe.
    Says { done: bool, status: u16, error: &'static str },
}

#[derive(Clone, Default)]
pub struct FakeStripe {
    state: Arc<Mutex<Kept>>,
    pub address: String,
}

#[derive(Default)]
struct Kept {
    intents: BTreeMap<String, Intent>,
    refunds: Vec<Value>,
    answers: HashMap<String, (u16, Value)>,
    faults: HashMap<&'static str, VecDeque<Fault>>,
    calls: Vec<String>,
    versions: BTreeSet<String>,
}

#[derive(Clone)]
struct Intent {
    amount: i64,
    received: i64,
    status: &'static str,
    method: String,
    decline: Option<&'static str>,
    payment_id: String,
}

impl FakeStripe {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let fake = Self { address, ..Self::default() };
        let routes = Router::new()
            .route("/v1/payment_intents", post(create))
            .route("/v1/payment_intents/{id}", get(retrieve))
            .route("/v1/payment_intents/{id}/{verb}", post(change))
            .route("/v1/refunds", post(refund).get(refunds))
            .layer(from_fn_with_state(fake.clone(), note_version))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        fake
    }

    /// The next call of this kind goes wrong: create, confirm, capture, cancel, refund.
    pub fn fails(&self, kind: &'static str, fault: Fault) {
        self.state.lock().unwrap().faults.entry(kind).or_default().push_back(fault);
    }

    /// The customer has done what was required, at the bank.
    pub fn customer_acts(&self, reference: &str) {
        self.state.lock().unwrap().intents.get_mut(reference).unwrap().status = "requires_capture";
    }

    /// How many charges the customer of a payment pays for, and what is kept of their money.
    pub fn charges(&self, payment_id: &str) -> (usize, i64) {
        let state = self.state.lock().unwrap();
        let own = || state.intents.iter().filter(|(_, intent)| intent.payment_id == payment_id);
        let pays = |status: &str| matches!(status, "requires_capture" | "succeeded");
        let refunded = |id: &str| -> i64 {
            let of = state.refunds.iter().filter(|refund| refund["payment_intent"] == id);
            of.map(|refund| refund["amount"].as_i64().unwrap()).sum()
        };
        let kept = own().map(|(id, intent)| intent.received - refunded(id)).sum();
        (own().filter(|(_, intent)| pays(intent.status)).count(), kept)
    }

    /// The versions of the API that calls have named; nothing for one that has named none.
    pub fn versions(&self) -> Vec<String> {
        self.state.lock().unwrap().versions.iter().cloned().collect()
    }

    /// How often a kind of call has come.
    pub fn calls(&self, kind: &str) -> usize {
        self.state.lock().unwrap().calls.iter().filter(|call| *call == kind).count()
    }

    /// Sends a webhook about an intent, signed with a secret; gives the answer's status.
    pub async fn webhook(&self, to: &str, event_id: &str, reference: &str, secret: &str) -> u16 {
        let body = json!({"id": event_id, "type": "payment_intent.amount_capturable_updated",
            "data": {"object": {"object": "payment_intent", "id": reference}}});
        self.message(to, body.to_string(), secret).await
    }

    /// Sends any body as a webhook, signed with a secret; gives the answer's status.
    pub async fn message(&self, to: &str, body: String, secret: &str) -> u16 {
        let time = SystemClock.now().as_second();
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
            format!("{time}.{body}").as_bytes(),
        );
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let request = axum::http::Request::post(format!("http://{to}/webhooks/stripe"))
            .header("Stripe-Signature", format!("t={time},v1={hex}"))
            .body(Full::new(Body::from(body)))
            .unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        client.request(request).await.unwrap().status().as_u16()
    }

    /// Judges a call: its key, its fault, and what it does where it is new.
    async fn call(
        &self,
        kind: &'static str,
        headers: &HeaderMap,
        act: impl FnOnce(&mut Kept) -> (u16, Value),
    ) -> Response {
        if headers.get("authorization").is_none_or(|value| value != &format!("Bearer {API_KEY}")) {
            return answer(
                401,
                json!({"error": {"type": "invalid_request_error", "message": "no such key"}}),
            );
        }
        let key = headers["idempotency-key"].to_str().unwrap().to_owned();
        let (told, fault, replayed) = {
            let mut state = self.state.lock().unwrap();
            state.calls.push(kind.to_owned());
            let fault = state.faults.get_mut(kind).and_then(VecDeque::pop_front);
            if let Some(Fault::Says { done: false, status, error }) = fault {
                return says(status, error);
            }
            let turned_away = match fault {
                Some(Fault::Status(status)) => {
                    Some((status, json!({"error": {"type": "api_error", "message": "not now"}})))
                }
                _ => None,
            };
            let known = state.answers.get(&key).cloned();
            let replayed = known.is_some();
            let told = match (known, turned_away) {
                (Some(known), _) => known,
                (None, Some(away)) if away.0 < 500 => return answer(away.0, away.1),
                (None, Some(away)) => away,
                (None, None) => act(&mut state),
            };
            state.answers.insert(key, told.clone());
            (told, fault, replayed)
        };
        match fault {
            Some(Fault::TimeoutAfterSuccess) => std::future::pending::<()>().await,
            Some(Fault::Says { status, error, .. }) => return says(status, error),
            _ => {}
        }
        let mut response = answer(told.0, told.1);
        if replayed {
            response.headers_mut().insert("Idempotent-Replayed", HeaderValue::from_static("true"));
        }
        response
    }
}

fn says(status: u16, error: &str) -> Response {
    match error {
        "" => (StatusCode::from_u16(status).unwrap(), "<html>somebody else</html>").into_response(),
        error => answer(status, json!({"error": {"type": error, "message": "no"}})),
    }
}

async fn note_version(State(fake): State<FakeStripe>, request: Request, next: Next) -> Response {
    let version = request.headers().get("Stripe-Version").map(|value| value.to_str().unwrap().to_owned());
    fake.state.lock().unwrap().versions.insert(version.unwrap_or_default());
    next.run(request).await
}

fn answer(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

fn form(body: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}

fn shown(id: &str, intent: &Intent) -> Value {
    let capturable = if intent.status == "requires_capture" { intent.amount } else { 0 };
    let action = (intent.status == "requires_action").then(
        || json!({"type": "redirect_to_url", "redirect_to_url": {"url": format!("https://bank/{id}")}}),
    );
    let error = intent.decline.map(|code| {
        json!({"type": "card_error", "code": "card_declined", "decline_code": code, "message": "Your card was declined."})
    });
    json!({"id": id, "object": "payment_intent", "amount": intent.amount, "amount_capturable": capturable,
        "amount_received": intent.received, "status": intent.status, "next_action": action, "last_payment_error": error})
}

fn unexpected(intent: &Intent) -> (u16, Value) {
    let message = format!("This PaymentIntent has the status {}.", intent.status);
    (
        400,
        json!({"error": {"type": "invalid_request_error", "code": "payment_intent_unexpected_state", "message": message}}),
    )
}

async fn create(State(fake): State<FakeStripe>, headers: HeaderMap, body: Bytes) -> Response {
    let form = form(&body);
    assert_eq!((form["capture_method"].as_str(), form["confirm"].as_str()), ("manual", "false"));
    let act = |state: &mut Kept| {
        let id = format!("pi_{}", state.intents.len() + 1);
        let intent = Intent {
            amount: form["amount"].parse().unwrap(),
            received: 0,
            status: "requires_confirmation",
            method: form["payment_method"].clone(),
            decline: None,
            payment_id: form["metadata[payment_id]"].clone(),
        };
        let told = shown(&id, &intent);
        state.intents.insert(id, intent);
        (200, told)
    };
    fake.call("create", &headers, act).await
}

async fn retrieve(State(fake): State<FakeStripe>, Path(id): Path<String>) -> Response {
    let state = fake.state.lock().unwrap();
    answer(200, shown(&id, &state.intents[&id]))
}

async fn change(
    State(fake): State<FakeStripe>,
    Path((id, verb)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = form(&body);
    let kind = ["confirm", "capture", "cancel"].into_iter().find(|kind| *kind == verb).unwrap();
    let act = move |state: &mut Kept| {
        let intent = state.intents.get_mut(&id).unwrap();
        match (kind, intent.status) {
            ("confirm", "requires_confirmation") => {
                (intent.status, intent.decline) = match intent.method.as_str() {
                    "pm_funds" => ("requires_payment_method", Some("insufficient_funds")),
                    "pm_stolen" => ("requires_payment_method", Some("stolen_card")),
                    "pm_3ds" => ("requires_action", None),
                    "pm_new" => ("requires_something_new", None),
                    _ => ("requires_capture", None),
                };
                if let Some(error) = shown(&id, intent)["last_payment_error"].as_object() {
                    return (402, json!({ "error": error }));
                }
            }
            ("capture", "requires_capture") => {
                intent.received = form["amount_to_capture"].parse().unwrap();
                intent.status = "succeeded";
            }
            ("cancel", status) if !matches!(status, "succeeded" | "canceled") => intent.status = "canceled",
            _ => return unexpected(intent),
        }
        (200, shown(&id, intent))
    };
    fake.call(kind, &headers, act).await
}

async fn refund(State(fake): State<FakeStripe>, headers: HeaderMap, body: Bytes) -> Response {
    let form = form(&body);
    let act = |state: &mut Kept| {
        let refund = json!({"id": format!("re_{}", state.refunds.len() + 1), "object": "refund", "status": "succeeded",
            "payment_intent": form["payment_intent"], "amount": form["amount"].parse::<i64>().unwrap(),
            "metadata": {"operation": form["metadata[operation]"]}});
        state.refunds.push(refund.clone());
        (200, refund)
    };
    fake.call("refund", &headers, act).await
}

async fn refunds(State(fake): State<FakeStripe>, RawQuery(query): RawQuery) -> Response {
    let query = form(query.unwrap_or_default().as_bytes());
    let state = fake.state.lock().unwrap();
    let own =
        state.refunds.iter().filter(|refund| refund["payment_intent"] == query["payment_intent"].as_str());
    answer(200, json!({"object": "list", "data": own.collect::<Vec<_>>(), "has_more": false}))
}
