//! ListPayments: pages of payments, the last changed first.

use super::QueryError;
use super::page::{self, Question};
use crate::domain::{Payment, PaymentStatus};
use crate::store::PaymentReader;

/// Payments a page when nothing is said.
const PAGE_SIZE: u64 = 50;

/// Asks for a page of payments.
#[derive(Debug)]
pub struct ListPayments {
    /// Only those that stand here.
    pub status: Option<PaymentStatus>,
    /// Only those that wait for a person.
    pub needs_person: bool,
    /// Payments at most; 0 means 50.
    pub page_size: u64,
    /// `next_page_token` of the page before; empty for the first.
    pub page_token: String,
}

/// A page.
#[derive(Debug)]
pub struct PaymentPage {
    /// The payments.
    pub payments: Vec<Payment>,
    /// Asks for the next page; empty on the last one.
    pub next_page_token: String,
}

impl ListPayments {
    /// Reads the page.
    pub async fn run(self, reader: &PaymentReader) -> Result<PaymentPage, QueryError> {
        let question = Question::of(self.status, self.needs_person);
        let after = page::start(&self.page_token, question)?;
        let size = if self.page_size == 0 { PAGE_SIZE } else { self.page_size };
        // One more than the page has tells whether another one follows.
        let mut found = reader.list(self.status, self.needs_person, after, size + 1).await?;
        let more = found.len() as u64 > size;
        found.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let last = found.last().filter(|_| more).map(|(place, _)| page::token(*place, question));
        let payments = found.into_iter().map(|(_, payment)| payment).collect();
        Ok(PaymentPage { payments, next_page_token: last.unwrap_or_default() })
    }
}
