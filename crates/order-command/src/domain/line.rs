//! A line of an order: an article, how many pieces, at which price and tax rate.

use ordermesh_kernel::{
    Money,
    text::{is_printable, is_visible_ascii},
    text_value,
};

text_value! {
    /// An article, by the caller's own code.
    pub struct Sku: shown,
        "must be 1 to 64 letters, digits, dots, underscores or hyphens", is_sku;
    /// What to call an article on mails and invoices.
    pub struct Title: shown,
        "must be 1 to 200 characters without control characters", |text| is_printable(text, 200);
}

fn is_sku(text: &str) -> bool {
    is_visible_ascii(text, 64)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

impl From<&Sku> for Title {
    /// The title of a line that was given none.
    fn from(sku: &Sku) -> Self {
        Self(sku.as_str().to_owned())
    }
}

/// A number outside of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {min} to {max}")]
pub struct RangeError {
    /// The smallest number allowed.
    pub min: i32,
    /// The largest number allowed.
    pub max: i32,
}

fn in_range(number: i32, min: i32, max: i32) -> Result<i32, RangeError> {
    if (min..=max).contains(&number) { Ok(number) } else { Err(RangeError { min, max }) }
}

/// How many pieces, 1 to 1000000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i32);

impl Quantity {
    /// So many pieces.
    pub fn new(pieces: i32) -> Result<Self, RangeError> {
        in_range(pieces, 1, 1_000_000).map(Self)
    }

    /// The number of pieces.
    pub const fn get(self) -> i32 {
        self.0
    }
}

/// A tax rate in millionths, 0 to 1000000: 19 % is 190000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaxRate(i32);

impl TaxRate {
    /// So many millionths.
    pub fn from_ppm(ppm: i32) -> Result<Self, RangeError> {
        in_range(ppm, 0, 1_000_000).map(Self)
    }

    /// The rate in millionths.
    pub const fn ppm(self) -> i32 {
        self.0
    }
}

/// A line as the caller asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLine {
    /// The article.
    pub sku: Sku,
    /// What the article is called; none means the SKU.
    pub title: Option<Title>,
    /// How many pieces.
    pub quantity: Quantity,
    /// The agreed price of one piece.
    pub unit_price: Money,
    /// The tax rate.
    pub tax_rate: TaxRate,
}

/// A line with the arithmetic done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Number within the order, from 1 on in the order of the request.
    pub line_id: i32,
    /// The article.
    pub sku: Sku,
    /// What the article is called.
    pub title: Title,
    /// How many pieces were ordered.
    pub quantity: Quantity,
    /// The agreed price of one piece.
    pub unit_price: Money,
    /// The tax rate.
    pub tax_rate: TaxRate,
    /// Unit price times quantity.
    pub amount: Money,
    /// The line's share of the order's discounts, at most its amount.
    pub discount: Money,
    /// The tax on amount less discount, contained in it or on top of it as the order's prices say.
    pub tax: Money,
}
