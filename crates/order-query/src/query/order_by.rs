//! In which order a list of orders comes.

/// What orders are sorted by. Orders that are equal in it are sorted by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// The time of placing.
    PlacedTime,
    /// The total: currency first, since amounts of different currencies do not compare.
    Total,
}

/// An order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderBy {
    /// What is compared.
    pub by: SortBy,
    /// Greatest first, in all that is compared.
    pub descending: bool,
}

impl Default for OrderBy {
    /// Newest first.
    fn default() -> Self {
        Self { by: SortBy::PlacedTime, descending: true }
    }
}

impl OrderBy {
    /// Reads `order_by`; empty means newest first. The error says what is possible.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace();
        let Some(field) = words.next() else { return Ok(Self::default()) };
        let by = match field {
            "placed_time" => SortBy::PlacedTime,
            "total" => SortBy::Total,
            _ => return Err(format!("cannot sort by {field:?}; it can by placed_time or total")),
        };
        let descending = match words.next() {
            None => false,
            Some("desc") => true,
            Some(word) => return Err(format!("{word:?} after {field} is unknown; only desc may follow")),
        };
        match words.next() {
            None => Ok(Self { by, descending }),
            Some(word) => Err(format!("nothing may follow desc, but {word:?} does")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_orders_are_read_in_both_directions_and_empty_means_newest_first() {
        for (text, by, descending) in [
            ("", SortBy::PlacedTime, true),
            ("placed_time", SortBy::PlacedTime, false),
            ("placed_time desc", SortBy::PlacedTime, true),
            ("total", SortBy::Total, false),
            (" total  desc ", SortBy::Total, true),
        ] {
            assert_eq!(OrderBy::parse(text), Ok(OrderBy { by, descending }), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for (text, name) in [
            ("state", "\"state\""),
            ("total asc", "\"asc\""),
            ("total, placed_time", "\"total,\""),
            ("total desc desc", "\"desc\""),
            ("Total", "\"Total\""),
        ] {
            let error = OrderBy::parse(text).unwrap_err();
            assert!(error.contains(name), "{text:?}: {error}");
        }
    }
}
