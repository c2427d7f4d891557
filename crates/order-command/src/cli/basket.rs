//! What is bought, as repeated options that belong together in step: the first --sku with the first --price.

use clap::Args;
use ordermesh_console::failure::Failure;
use ordermesh_console::render;
use ordermesh_kernel::Money;
use ordermesh_proto::order::v1::NewOrderLine;

use super::parse::{TaxRate, tax_rate};

/// The lines of a new order.
#[derive(Debug, Args)]
pub struct Basket {
    /// Article; repeat it with its --price for each line
    #[arg(long, required = true)]
    sku: Vec<String>,
    /// Agreed price of one piece, such as "4.50 EUR"; one for each --sku
    #[arg(long, required = true, value_name = "AMOUNT", allow_hyphen_values = true)]
    price: Vec<Money>,
    /// Pieces; one for each --sku, or none when every line has one piece
    #[arg(long, value_name = "PIECES", allow_negative_numbers = true)]
    quantity: Vec<i32>,
    /// Tax rate in percent, such as 19 or 8.875; one for each --sku, or none when nothing is taxed
    #[arg(long, value_name = "PERCENT", value_parser = tax_rate, allow_negative_numbers = true)]
    tax: Vec<TaxRate>,
    /// What mails and invoices call the article; one for each --sku, or none
    #[arg(long)]
    title: Vec<String>,
}

impl Basket {
    /// The lines as the contract wants them, or what does not pair up.
    pub fn into_lines(self) -> Result<Vec<NewOrderLine>, Failure> {
        let lines = self.sku.len();
        in_step("--price", self.price.len(), lines)?;
        let quantities = or_default("--quantity", self.quantity, lines, 1)?;
        let taxes = or_default("--tax", self.tax, lines, TaxRate::ZERO)?;
        let titles = or_default("--title", self.title, lines, String::new())?;
        let rest = self.price.into_iter().zip(quantities).zip(taxes).zip(titles);
        let lines =
            self.sku.into_iter().zip(rest).map(|(sku, (((price, quantity), tax), title))| NewOrderLine {
                sku,
                title,
                quantity,
                unit_price: Some(render::wire_money(price)),
                tax_rate_ppm: tax.ppm(),
            });
        Ok(lines.collect())
    }
}

/// As many values as lines, or the default for every line when the option is not there at all.
fn or_default<T: Clone>(option: &str, values: Vec<T>, lines: usize, default: T) -> Result<Vec<T>, Failure> {
    if values.is_empty() {
        return Ok(vec![default; lines]);
    }
    in_step(option, values.len(), lines)?;
    Ok(values)
}

fn in_step(option: &str, count: usize, lines: usize) -> Result<(), Failure> {
    match count == lines {
        true => Ok(()),
        false => Err(Failure::usage(&format!(
            "{lines} times --sku but {count} times {option}: the first {option} belongs to the first --sku, and so on"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        basket: Basket,
    }

    fn lines(arguments: &[&str]) -> Result<Vec<NewOrderLine>, Failure> {
        let arguments = std::iter::once(&"place").chain(arguments);
        Line::try_parse_from(arguments).map_err(Failure::unexpected)?.basket.into_lines()
    }

    #[test]
    fn the_first_sku_belongs_to_the_first_price_and_quantity() {
        let lines = lines(&[
            "--sku=TEA",
            "--quantity=2",
            "--price=4.50 EUR",
            "--tax=7",
            "--title=Tea",
            "--sku=POT",
            "--quantity=1",
            "--price=20 EUR",
            "--tax=19",
            "--title=Pot",
        ])
        .unwrap();
        let seen: Vec<_> = lines
            .iter()
            .map(|line| {
                let cents = line.unit_price.as_ref().map(|price| price.minor_units);
                (line.sku.as_str(), line.title.as_str(), line.quantity, cents, line.tax_rate_ppm)
            })
            .collect();
        assert_eq!(seen, [("TEA", "Tea", 2, Some(450), 70_000), ("POT", "Pot", 1, Some(2000), 190_000)]);
    }

    #[test]
    fn without_quantities_every_line_has_one_piece() {
        let lines = lines(&["--sku=A", "--price=1 EUR", "--sku=B", "--price=2 EUR"]).unwrap();
        assert!(lines.iter().all(|line| line.quantity == 1 && line.tax_rate_ppm == 0));
    }

    #[test]
    fn a_negative_value_is_left_to_the_server_to_refuse() {
        let lines = lines(&["--sku", "A", "--price", "-1.00 EUR", "--quantity", "-1"]).unwrap();
        let cents = lines[0].unit_price.as_ref().map(|price| price.minor_units);
        assert_eq!((lines[0].quantity, cents), (-1, Some(-100)));
    }

    #[test]
    fn options_out_of_step_are_refused() {
        for extra in ["--price=3 EUR", "--quantity=1", "--tax=19", "--title=T"] {
            let arguments = ["--sku=A", "--price=1 EUR", "--sku=B", "--price=2 EUR", extra];
            assert!(lines(&arguments).is_err(), "{extra}");
        }
    }

    #[test]
    fn a_price_without_currency_or_with_too_many_decimals_is_refused() {
        for price in ["4.50", "4.505 EUR", "4.50 eur", "4,50 EUR"] {
            assert!(lines(&["--sku=A", &format!("--price={price}")]).is_err(), "{price}");
        }
    }
}
