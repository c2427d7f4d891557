//! The values of an order: what each accepts, and that personal ones hide themselves.

use ordermesh_order_command::domain::{
    Address, AddressLine, AddressLines, Contact, ContactName, CountryCode, DiscountCode, Email, Locale,
    Locality, PersonalData, PostalCode, Quantity, Recipient, Sku, TaxRate, Title,
};

#[test]
fn a_sku_has_letters_digits_dots_underscores_and_hyphens() {
    for text in ["A", "tea-100", "a.B_9", &"x".repeat(64)] {
        assert!(Sku::parse(text).is_ok(), "{text}");
    }
    for text in ["", " ", "a b", "a/b", "ä", "a\n", &"x".repeat(65)] {
        assert!(Sku::parse(text).is_err(), "{text}");
    }
}

#[test]
fn numbers_keep_to_their_range() {
    assert_eq!(Quantity::new(1_000_000).map(Quantity::get), Ok(1_000_000));
    assert_eq!(Quantity::new(0).unwrap_err().to_string(), "must be 1 to 1000000");
    assert_eq!(TaxRate::from_ppm(0).map(TaxRate::ppm), Ok(0));
    for ppm in [-1, 1_000_001, i32::MIN, i32::MAX] {
        assert_eq!(TaxRate::from_ppm(ppm).unwrap_err().to_string(), "must be 0 to 1000000");
    }
}

#[test]
fn lengths_are_counted_in_characters() {
    assert!(Title::parse("ä".repeat(200)).is_ok());
    assert!(Title::parse("ä".repeat(201)).is_err());
    assert!(DiscountCode::parse("ä".repeat(64)).is_ok());
    assert!(DiscountCode::parse("").is_err());
}

#[test]
fn control_characters_are_refused() {
    assert!(Title::parse("tea\0").is_err());
    assert!(ContactName::parse("Mia\r\nBcc: x").is_err());
}

#[test]
fn a_mail_address_has_one_at_sign_and_a_domain_with_a_dot() {
    let long = |local: usize| format!("{}@example.org", "x".repeat(local));
    for text in ["mia@example.org", "o'neil+tag@mail.example.co.uk", "a@b.c", &long(242)] {
        assert!(Email::parse(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "@",
        "mia",
        "mia@",
        "@example.org",
        "mia@localhost",
        "mia@example.",
        "mia@.org",
        "mia@ex..org",
        "mia@@example.org",
        "m@ia@example.org",
        "mi a@example.org",
        "mia@exam ple.org",
        "mia@example.org\n",
        "<mia@example.org>",
        "mia@-x.org",
        "mïa@example.org",
        &long(243),
    ] {
        assert!(Email::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_locale_is_a_language_tag() {
    for text in ["de", "de-CH", "zh-Hant-TW", "sl-rozaj-biske-1994"] {
        assert!(Locale::parse(text).is_ok(), "{text}");
    }
    for text in
        ["", "d", "de_CH", "de-", "-de", "9e", "de-toolonghere", "de-CH ", &format!("de{}", "-x".repeat(17))]
    {
        assert!(Locale::parse(text).is_err(), "{text}");
    }
}

#[test]
fn an_address_has_1_to_6_lines_and_a_country() {
    let lines = |count| AddressLines::new(vec![AddressLine::parse("Hauptstr. 1").unwrap(); count]);
    assert!(lines(0).is_err());
    assert_eq!(lines(6).unwrap().as_slice().len(), 6);
    assert_eq!(lines(7).unwrap_err().to_string(), "must be 1 to 6 lines");
    for text in ["", "D", "de", "DEU", "D1"] {
        assert!(CountryCode::parse(text).is_err(), "{text}");
    }
    assert!(PostalCode::parse("x".repeat(33)).is_err());
}

#[test]
fn no_personal_data_is_there_when_none_was_given() {
    assert_eq!(PersonalData::of(None, None, None), None);
    assert!(PersonalData::of(Some(mia()), None, None).is_some());
}

#[test]
fn personal_data_does_not_show_itself() {
    let address = Address {
        recipient: Recipient::parse("Mia Muster").unwrap(),
        address_lines: AddressLines::new(vec![AddressLine::parse("Musterweg 7").unwrap()]).unwrap(),
        locality: Locality::parse("Musterstadt").unwrap(),
        administrative_area: None,
        postal_code: Some(PostalCode::parse("12345").unwrap()),
        country_code: CountryCode::parse("DE").unwrap(),
    };
    let personal = PersonalData::of(Some(mia()), Some(address.clone()), Some(address));
    let shown = format!("{personal:#?}");
    for secret in ["Must", "mia@", "Mia", "12345", "DE\"", "de-DE"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(shown.contains("Email(***)"));
}

fn mia() -> Contact {
    Contact {
        email: Email::parse("mia@example.org").unwrap(),
        name: Some(ContactName::parse("Mia").unwrap()),
        locale: Some(Locale::parse("de-DE").unwrap()),
    }
}
