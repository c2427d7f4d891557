//! The personal data of an order, in one piece so that it can be masked and erased as one.
//!
//! None of these texts shows itself in Debug: a log of an order has no personal data by accident.

use ordermesh_kernel::{TextError, text::is_printable, text_value};

const NAME_RULE: &str = "must be 1 to 200 characters without control characters";

text_value! {
    /// A mail address. It must be one that mail on the internet reaches: its domain has a dot.
    pub struct Email: masked,
        "must be a mail address such as mia@example.org of at most 254 characters", is_email;
    /// A name to greet with.
    pub struct ContactName: masked, NAME_RULE, is_name;
    /// A BCP 47 language tag such as de-CH.
    pub struct Locale: masked,
        "must be a language tag such as de-CH of at most 35 characters", is_locale;
    /// Who receives at an address.
    pub struct Recipient: masked, NAME_RULE, is_name;
    /// One line above the city: street, house number and the like.
    pub struct AddressLine: masked, NAME_RULE, is_name;
    /// A city or town.
    pub struct Locality: masked, NAME_RULE, is_name;
    /// A state, province or county.
    pub struct AdministrativeArea: masked, NAME_RULE, is_name;
    /// A postal code.
    pub struct PostalCode: masked,
        "must be 1 to 32 characters without control characters", |text| is_printable(text, 32);
    /// An ISO 3166-1 alpha-2 code such as DE.
    pub struct CountryCode: masked, "must be two upper-case letters", is_country_code;
}

/// Whom to write to and where the goods and the invoice go. At least one of them is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalData {
    /// Whom to write to; none means that no mail is sent.
    pub contact: Option<Contact>,
    /// Where the goods go; none when nothing is shipped.
    pub ship_to: Option<Address>,
    /// Whom the invoice names; none means the same as `ship_to`.
    pub bill_to: Option<Address>,
}

impl PersonalData {
    /// Puts together what was given; none when nothing was.
    pub fn of(contact: Option<Contact>, ship_to: Option<Address>, bill_to: Option<Address>) -> Option<Self> {
        let given = contact.is_some() || ship_to.is_some() || bill_to.is_some();
        given.then_some(Self { contact, ship_to, bill_to })
    }
}

/// Whom to write to about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Where to write to.
    pub email: Email,
    /// The name to greet with.
    pub name: Option<ContactName>,
    /// The language of the mails.
    pub locale: Option<Locale>,
}

/// A postal address as a shop prints it on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Who receives there.
    pub recipient: Recipient,
    /// What stands above the city.
    pub address_lines: AddressLines,
    /// City or town.
    pub locality: Locality,
    /// State, province or county where the country uses one.
    pub administrative_area: Option<AdministrativeArea>,
    /// Postal code where the country uses one.
    pub postal_code: Option<PostalCode>,
    /// The country.
    pub country_code: CountryCode,
}

/// What stands above the city, 1 to 6 lines in the order to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressLines(Vec<AddressLine>);

impl AddressLines {
    /// Takes 1 to 6 lines.
    pub fn new(lines: Vec<AddressLine>) -> Result<Self, TextError> {
        if (1..=6).contains(&lines.len()) {
            Ok(Self(lines))
        } else {
            Err(TextError::new("must be 1 to 6 lines"))
        }
    }

    /// The lines.
    pub fn as_slice(&self) -> &[AddressLine] {
        &self.0
    }

    /// The lines, owned.
    pub fn into_vec(self) -> Vec<AddressLine> {
        self.0
    }
}

fn is_name(text: &str) -> bool {
    is_printable(text, 200)
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    // Letters, digits and signs of an unquoted local part; the second @ of two would be in the domain.
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    text.len() <= 254
        && !local.is_empty()
        && local.bytes().all(is_local)
        && domain.contains('.')
        && domain.split('.').all(is_domain_label)
}

fn is_domain_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_locale(text: &str) -> bool {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    text.len() <= 35
        && (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags
            .all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn is_country_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
