//! Verbs as contexts bring them. A context registers its verbs under a noun, such as `order`; what several contexts
//! register under one noun is one command to people.

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};
use futures_util::future::LocalBoxFuture;

use crate::connect::Common;
use crate::failure::{Failure, Service};

/// What verbs are about: a command of the program, whose subcommands the verbs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noun {
    /// Its name on the command line, such as `order`.
    pub name: &'static str,
    /// Its line in the help. Contexts that share a noun say the same of it.
    pub about: &'static str,
}

/// The verbs of a context on one noun: an enum with a variant a verb, which clap reads.
pub trait Verb: Subcommand + 'static {
    /// The service that it calls: a failure names it when the address does not have it.
    fn service(&self) -> Service;

    /// Does it against the server, and prints what came of it.
    fn run(self, common: Common) -> impl Future<Output = Result<(), Failure>>;
}

/// A verb with its options, which runs when it is awaited.
pub type Work = LocalBoxFuture<'static, Result<(), Failure>>;

/// The registration of a context's verbs on one noun.
#[derive(Clone, Copy)]
pub struct Verbs {
    noun: Noun,
    augment: fn(Command) -> Command,
    has: fn(&str) -> bool,
    read: fn(&ArgMatches) -> Result<Work, clap::Error>,
}

impl Verbs {
    /// The verbs of `V` under `noun`.
    pub fn of<V: Verb>(noun: Noun) -> Self {
        Self { noun, augment: V::augment_subcommands, has: V::has_subcommand, read: work::<V> }
    }

    /// What they are about.
    pub fn noun(&self) -> Noun {
        self.noun
    }
}

fn work<V: Verb>(matches: &ArgMatches) -> Result<Work, clap::Error> {
    let (common, verb) = (Common::from_arg_matches(matches)?, V::from_arg_matches(matches)?);
    let service = verb.service();
    Ok(Box::pin(async move { verb.run(common).await.map_err(|failure| failure.of(service)) }))
}

/// Adds a command for each noun, with the verbs of all who registered some under it. Nouns stand in the order in which
/// they are first registered, verbs in that of their `display_order`, and among equals in that of their registration.
pub fn augment(program: Command, all: &[Verbs]) -> Command {
    let mut nouns: Vec<Noun> = Vec::new();
    for verbs in all {
        if !nouns.iter().any(|noun| noun.name == verbs.noun.name) {
            nouns.push(verbs.noun);
        }
    }
    nouns.into_iter().fold(program, |program, noun| program.subcommand(command(noun, all)))
}

fn command(noun: Noun, all: &[Verbs]) -> Command {
    let own = all.iter().filter(|verbs| verbs.noun.name == noun.name);
    // Beside the noun's own command: a comment on an enum of verbs would speak for it otherwise.
    let gathered = own.fold(Command::new(noun.name), |command, verbs| (verbs.augment)(command));
    let mut verbs: Vec<_> = gathered.get_subcommands().cloned().collect();
    // Help would sort by itself, errors of usage would not.
    verbs.sort_by_key(Command::get_display_order);
    Common::augment_args(Command::new(noun.name))
        .about(noun.about)
        .subcommands(verbs)
        .subcommand_required(true)
        .arg_required_else_help(true)
}

/// Whether somebody registered verbs under this noun.
pub fn has_noun(all: &[Verbs], name: &str) -> bool {
    all.iter().any(|verbs| verbs.noun.name == name)
}

/// The verb that the program's command line asks for. An error when it asks for none of these.
pub fn read(all: &[Verbs], program: &ArgMatches) -> Result<Work, clap::Error> {
    let asked = program.subcommand().and_then(|(noun, of_noun)| {
        let verb = of_noun.subcommand_name()?;
        let verbs = all.iter().find(|verbs| verbs.noun.name == noun && (verbs.has)(verb))?;
        Some((verbs, of_noun))
    });
    match asked {
        Some((verbs, of_noun)) => (verbs.read)(of_noun),
        None => Err(clap::Error::raw(ErrorKind::InvalidSubcommand, "no context has this verb")),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const STOCK: Noun = Noun { name: "stock", about: "Count and move stock" };

    /// A comment that is not the noun's.
    #[derive(Subcommand)]
    enum Change {
        /// Receive pieces
        #[command(display_order = 1)]
        Receive { pieces: u32 },
        /// Count pieces
        #[command(display_order = 3)]
        Count,
    }

    #[derive(Subcommand)]
    enum Look {
        /// Show a piece
        #[command(display_order = 2)]
        Get,
    }

    impl Verb for Change {
        fn service(&self) -> Service {
            Service::new("StockService", "inventory")
        }

        async fn run(self, common: Common) -> Result<(), Failure> {
            match self {
                Self::Receive { pieces } => Err(Failure::unexpected(format!("{pieces} at {}", common.addr))),
                Self::Count => Ok(()),
            }
        }
    }

    impl Verb for Look {
        fn service(&self) -> Service {
            Service::new("StockQueryService", "inventory-query")
        }

        async fn run(self, _: Common) -> Result<(), Failure> {
            Err(tonic::Status::unimplemented("no such method").into())
        }
    }

    fn all() -> [Verbs; 2] {
        [Verbs::of::<Change>(STOCK), Verbs::of::<Look>(STOCK)]
    }

    fn run(line: &[&str]) -> Result<(), String> {
        let words = std::iter::once(&"ordermesh").chain(line);
        let matches = augment(Command::new("ordermesh"), &all())
            .try_get_matches_from(words)
            .map_err(|error| error.to_string())?;
        let work = read(&all(), &matches).map_err(|error| error.to_string())?;
        work.now_or_never().unwrap().map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn a_noun_has_the_verbs_of_all_who_registered_some() {
        assert_eq!(run(&["stock", "count"]), Ok(()));
        let failure = run(&["stock", "receive", "3", "--addr", "shop:7"]).unwrap_err();
        assert!(failure.contains("3 at http://shop:7"), "{failure}");
    }

    #[test]
    fn a_failure_names_the_service_of_the_verbs_own_context() {
        let failure = run(&["stock", "get"]).unwrap_err();
        assert!(failure.contains("serves no StockQueryService; ask inventory-query"), "{failure}");
    }

    #[test]
    fn the_help_of_a_noun_is_one_list_in_the_order_of_the_verbs() {
        let program = augment(Command::new("ordermesh"), &all());
        let stock = program.find_subcommand("stock").unwrap();
        assert_eq!(stock.get_about().map(ToString::to_string).as_deref(), Some(STOCK.about));
        let help = stock.clone().render_help().to_string();
        let places = ["receive", "get", "count"].map(|verb| help.find(&format!("\n  {verb} ")));
        assert!(places.is_sorted() && places[0].is_some(), "{help}");
        let names: Vec<_> = stock.get_subcommands().map(Command::get_name).collect();
        assert_eq!(names, ["receive", "get", "count"], "errors of usage list them like the help");
    }

    #[test]
    fn a_verb_that_nobody_has_is_wrong_usage() {
        assert!(run(&["stock", "burn"]).unwrap_err().contains("unrecognized subcommand 'burn'"));
        assert!(run(&["stock"]).unwrap_err().contains("Usage: ordermesh stock"));
        assert!(has_noun(&all(), "stock") && !has_noun(&all(), "order"));
    }
}
