//! Payments: as payment answers them, and as its feed tells them.

use ordermesh_proto::payment::v1::payment_event::Payload;
use ordermesh_proto::payment::v1::payment_event_service_client::PaymentEventServiceClient;
use ordermesh_proto::payment::v1::payment_query_service_client::PaymentQueryServiceClient;
use ordermesh_proto::payment::v1::{ListPaymentsRequest, ListPaymentsResponse, PaymentAmounts, PaymentEvent};
use tonic::Response;

use super::{CollectError, Endpoints, MAX_ANSWER_BYTES, PAGE, decoded, each_event, each_page};
use crate::snapshot::{FeedFault, PaymentHistory, Snapshot};

pub(super) async fn answers(endpoints: &Endpoints, snapshot: &mut Snapshot) -> Result<(), CollectError> {
    let client =
        PaymentQueryServiceClient::new(endpoints.payment.clone()).max_decoding_message_size(MAX_ANSWER_BYTES);
    let ask = |page_token| {
        let (mut client, page_size) = (client.clone(), PAGE);
        let request = ListPaymentsRequest { page_size, page_token, ..ListPaymentsRequest::default() };
        async move { client.list_payments(request).await }
    };
    let take = |page: ListPaymentsResponse| {
        snapshot.payments.extend(page.payments.into_iter().map(|one| (one.payment_id.clone(), one)));
        page.next_page_token
    };
    each_page("ListPayments", ask, take).await
}

pub(super) async fn feed(endpoints: &Endpoints, snapshot: &mut Snapshot) -> Result<(), CollectError> {
    let client =
        PaymentEventServiceClient::new(endpoints.payment.clone()).max_decoding_message_size(MAX_ANSWER_BYTES);
    let what = "SubscribePaymentEvents";
    let open = |request| {
        let mut client = client.clone();
        async move { client.subscribe_payment_events(request).await.map(Response::into_inner) }
    };
    let take = |bytes| {
        let Some(event) = decoded::<PaymentEvent>("payment", bytes, snapshot)? else {
            return Ok(());
        };
        snapshot.heard("payment", event.position, &event.key);
        history(snapshot, &event);
        Ok(())
    };
    each_event(what, open, take).await?;
    Ok(())
}

fn history(snapshot: &mut Snapshot, event: &PaymentEvent) {
    let history = snapshot.payment_histories.entry(event.key.clone()).or_default();
    let (before, revision) = (history.revision, event.key_revision);
    // A payment's first event that is there need not be its first, once the log was truncated.
    if before > 0 && revision != before + 1 {
        let detail = format!("{revision} follows {before}");
        snapshot.feed_faults.push(FeedFault { feed: "payment", key: event.key.clone(), detail });
    }
    history.revision = revision;
    history.has_beginning |= revision == 1;
    let is_authorization = matches!(event.payload, Some(Payload::PaymentAuthorized(_)));
    if let Some(amounts) = event.payload.as_ref().and_then(amounts) {
        history.take(amounts, is_authorization);
    }
}

impl PaymentHistory {
    fn take(&mut self, amounts: &PaymentAmounts, is_authorization: bool) {
        let minor = |amounts: &PaymentAmounts| {
            [&amounts.authorized, &amounts.captured]
                .map(|money| money.as_ref().map_or(0, |money| money.minor_units))
        };
        let [set_aside, captured] = minor(&self.amounts);
        self.charged_twice |= is_authorization && (set_aside > 0 || captured > 0);
        // A capture may raise what counts as set aside, which says nothing of what was.
        if is_authorization {
            let [now, _] = minor(amounts);
            self.most_authorized = self.most_authorized.max(now);
        }
        self.amounts = amounts.clone();
    }
}

fn amounts(payload: &Payload) -> Option<&PaymentAmounts> {
    match payload {
        Payload::PaymentAuthorized(event) => event.amounts.as_ref(),
        Payload::PaymentActionRequired(event) => event.amounts.as_ref(),
        Payload::PaymentDeclined(event) => event.amounts.as_ref(),
        Payload::PaymentOutcomeUnknown(event) => event.amounts.as_ref(),
        Payload::PaymentCaptured(event) => event.amounts.as_ref(),
        Payload::PaymentCaptureFailed(event) => event.amounts.as_ref(),
        Payload::PaymentVoided(event) => event.amounts.as_ref(),
        Payload::PaymentRefunded(event) => event.amounts.as_ref(),
        Payload::RefundFailed(event) => event.amounts.as_ref(),
    }
}
