//! So many pieces of a line as people write them: `1:2`, and `1:2:damaged` for what came back.

use ordermesh_proto::order::v1::{LineQuantity, ReceivedLine, ReturnCondition};

const FORM: &str = "must be LINE:PIECES such as 1:2";
const RECEIVED: &str = "must be LINE:PIECES or LINE:PIECES:damaged such as 1:2:damaged";

fn pair(text: &str, form: &str) -> Result<(i32, i32), String> {
    let numbers =
        text.split_once(':').and_then(|(line, pieces)| Some((line.parse().ok()?, pieces.parse().ok()?)));
    numbers.ok_or_else(|| form.to_owned())
}

/// Reads `LINE:PIECES`.
pub fn pieces(text: &str) -> Result<LineQuantity, String> {
    pair(text, FORM).map(|(line_id, quantity)| LineQuantity { line_id, quantity })
}

/// Reads `LINE:PIECES`, which can be sold again, or `LINE:PIECES:damaged`.
pub fn received(text: &str) -> Result<ReceivedLine, String> {
    let (numbers, condition) = match text.strip_suffix(":damaged") {
        Some(numbers) => (numbers, ReturnCondition::Damaged),
        None => (text, ReturnCondition::Resaleable),
    };
    let (line_id, accepted_quantity) = pair(numbers, RECEIVED)?;
    Ok(ReceivedLine { line_id, accepted_quantity, condition: condition.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_a_line_and_a_number() {
        assert_eq!(pieces("3:20"), Ok(LineQuantity { line_id: 3, quantity: 20 }));
        for text in ["", "3", "3:", ":2", "a:2", "3:2:1", "3:2:damaged", "3 : 2"] {
            assert_eq!(pieces(text), Err(FORM.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_came_back_can_be_sold_again_unless_it_is_damaged() {
        assert_eq!(received("1:2").unwrap().condition(), ReturnCondition::Resaleable);
        let damaged = received("1:2:damaged").unwrap();
        assert_eq!((damaged.line_id, damaged.accepted_quantity), (1, 2));
        assert_eq!(damaged.condition(), ReturnCondition::Damaged);
        for text in ["1:2:broken", "damaged", ":damaged", "1:damaged"] {
            assert!(received(text).is_err(), "{text}");
        }
    }
}
