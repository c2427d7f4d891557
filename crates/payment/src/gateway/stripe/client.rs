//! Calls of Stripe's API: forms out, JSON in. Nothing is tried again here: that is the worker's business.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ordermesh_service::Secret;
use serde::de::DeserializeOwned;

use super::answer::{ErrorBody, Refusal};

/// Fields of a form.
pub(super) type Fields<'a> = &'a [(&'a str, &'a str)];

/// The version of the API whose answers are read here: without one, Stripe takes the account's, which somebody may change.
const VERSION: &str = "2026-02-25.clover";

/// Bytes of an answer that are read; Stripe's have some thousands.
const MAX_ANSWER: usize = 4 << 20;

/// A call without an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    /// It was not sent.
    #[error("Stripe cannot be reached: {0}")]
    Unsent(String),
    /// It was sent, perhaps, and its answer did not come or cannot be read.
    #[error("Stripe's answer was lost: {0}")]
    Lost(String),
}

type Answer<T> = Result<Result<T, Refusal>, NoAnswer>;

enum Connection {
    Plain(HyperClient<HttpConnector, Full<Bytes>>),
    Tls(HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// A client of the API.
pub(super) struct Client {
    connection: Connection,
    base_url: String,
    secret_key: Secret,
}

impl Client {
    /// A client of the API at `base_url`, http or https.
    pub fn new(base_url: &str, secret_key: Secret) -> std::io::Result<Self> {
        let pool = HyperClient::builder(TokioExecutor::new());
        let connection = match base_url.starts_with("https:") {
            true => {
                let tls =
                    HttpsConnectorBuilder::new().with_native_roots()?.https_only().enable_http1().build();
                Connection::Tls(pool.build(tls))
            }
            false => Connection::Plain(pool.build(HttpConnector::new())),
        };
        Ok(Self { connection, base_url: base_url.trim_end_matches('/').to_owned(), secret_key })
    }

    /// Sends a form under an idempotency key.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, key: &str, fields: Fields<'_>) -> Answer<T> {
        let form = encoded(fields);
        let request = self.request(Method::POST, path)?;
        let request = request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("Idempotency-Key", key)
            .body(Full::new(Bytes::from(form)));
        self.send(request.map_err(unsent)?).await
    }

    /// Asks for something.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: Fields<'_>) -> Answer<T> {
        let path = match query.is_empty() {
            true => path.to_owned(),
            false => format!("{path}?{}", encoded(query)),
        };
        let request = self.request(Method::GET, &path)?.body(Full::default());
        self.send(request.map_err(unsent)?).await
    }

    fn request(&self, method: Method, path: &str) -> Result<http::request::Builder, NoAnswer> {
        let authorization = format!("Bearer {}", self.secret_key.reveal());
        let mut authorization = HeaderValue::try_from(authorization)
            .map_err(|_| NoAnswer::Unsent("the secret key is no header's value".to_owned()))?;
        authorization.set_sensitive(true);
        Ok(Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base_url))
            .header(ACCEPT, "application/json")
            .header("Stripe-Version", VERSION)
            .header(AUTHORIZATION, authorization))
    }

    async fn send<T: DeserializeOwned>(&self, request: Request<Full<Bytes>>) -> Answer<T> {
        let response = match &self.connection {
            Connection::Plain(client) => client.request(request).await,
            Connection::Tls(client) => client.request(request).await,
        };
        let response = response.map_err(|error| match error.is_connect() {
            true => unsent(&error),
            false => NoAnswer::Lost(chain(&error)),
        })?;
        let (parts, body) = Response::into_parts(response);
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| NoAnswer::Lost(error.to_string()))?.to_bytes();
        if !parts.status.is_success() {
            let told: ErrorBody = serde_json::from_slice(&body).unwrap_or_default();
            let replayed = parts.headers.get("Idempotent-Replayed");
            return Ok(Err(Refusal {
                status: parts.status.as_u16(),
                is_replayed: replayed.is_some_and(|value| value == "true"),
                error: told.error,
            }));
        }
        let answer = serde_json::from_slice(&body);
        answer.map(Ok).map_err(|error| NoAnswer::Lost(format!("it cannot be read: {error}")))
    }
}

fn encoded(fields: Fields<'_>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn unsent(error: impl std::error::Error) -> NoAnswer {
    NoAnswer::Unsent(chain(&error))
}

/// An error with all that led to it: the outermost one says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    words
}
