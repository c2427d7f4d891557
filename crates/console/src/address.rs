//! A postal address as people write it on one line: `Ada Lovelace; Hauptstr. 1; 10115 Berlin; DE`.

use ordermesh_proto::common::v1::Address;

const FORM: &str =
    "must be \"Recipient; Street 1; 12345 City; DE\" with 1 to 6 lines between recipient and city";
const MAX_LINES: usize = 6;

/// Reads an address: recipient, lines, postal code and city, country.
pub fn address(text: &str) -> Result<Address, String> {
    let parts: Vec<_> = text.split(';').map(str::trim).collect();
    let [recipient, address_lines @ .., place, country] = parts.as_slice() else {
        return Err(FORM.to_owned());
    };
    if !(1..=MAX_LINES).contains(&address_lines.len()) {
        return Err(FORM.to_owned());
    }
    if parts.contains(&"") {
        return Err(format!("a part is empty: {FORM}"));
    }
    let (postal_code, locality) = postal_code_and_city(place)?;
    Ok(Address {
        recipient: (*recipient).to_owned(),
        address_lines: address_lines.iter().map(|line| (*line).to_owned()).collect(),
        postal_code,
        locality,
        country_code: country_code(country)?,
        ..Address::default()
    })
}

/// The words with a digit before the first word without one are the postal code. A digit that comes only later, as in
/// `Springfield 62704`, is refused: it would go unseen as a part of the city.
fn postal_code_and_city(place: &str) -> Result<(String, String), String> {
    let words: Vec<_> = place.split_whitespace().collect();
    let has_digit = |word: &&str| word.bytes().any(|byte| byte.is_ascii_digit());
    let (code, city) = words.split_at(words.iter().take_while(|word| has_digit(word)).count());
    if city.is_empty() {
        return Err(format!("the city after the postal code {place:?} is missing"));
    }
    if code.is_empty() && city.iter().any(has_digit) {
        return Err(format!("write the postal code before the city, not {place:?}"));
    }
    Ok((code.join(" "), city.join(" ")))
}

fn country_code(text: &str) -> Result<String, String> {
    match text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        true => Ok(text.to_owned()),
        false => Err(format!("the country must be two capital letters such as DE, not {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_recipient_lines_postal_code_and_city_and_country() {
        let read = address("Ada Lovelace; c/o Babbage ;Hauptstr. 1; 61348 Bad Homburg; DE").unwrap();
        let written = Address {
            recipient: "Ada Lovelace".to_owned(),
            address_lines: vec!["c/o Babbage".to_owned(), "Hauptstr. 1".to_owned()],
            postal_code: "61348".to_owned(),
            locality: "Bad Homburg".to_owned(),
            country_code: "DE".to_owned(),
            ..Address::default()
        };
        assert_eq!(read, written);
    }

    #[test]
    fn a_postal_code_may_have_two_words_or_be_absent() {
        let read = |place| postal_code_and_city(place).unwrap();
        let pair = |code: &str, city: &str| (code.to_owned(), city.to_owned());
        assert_eq!(read("SW1A 1AA London"), pair("SW1A 1AA", "London"));
        assert_eq!(read("110 00 Praha 1"), pair("110 00", "Praha 1"));
        assert_eq!(read("Hong Kong"), pair("", "Hong Kong"));
    }

    #[test]
    fn a_place_without_city_or_with_the_postal_code_behind_it_is_refused() {
        for place in ["12345", "Springfield 62704"] {
            assert!(postal_code_and_city(place).is_err(), "{place}");
        }
    }

    #[test]
    fn too_few_or_too_many_or_empty_parts_are_refused() {
        for text in [
            "",
            "Ada",
            "Ada; 10115 Berlin; DE",
            "Ada; ; 10115 Berlin; DE",
            "; Street 1; 10115 Berlin; DE",
            "Ada; Street 1; 10115 Berlin; DE;",
            "Ada; 1; 2; 3; 4; 5; 6; 7; 10115 Berlin; DE",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_country_is_two_capital_letters() {
        for country in ["de", "DEU", "Germany", "Ü"] {
            assert!(address(&format!("Ada; Street 1; 10115 Berlin; {country}")).is_err(), "{country}");
        }
    }
}
