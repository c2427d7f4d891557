//! The verbs that the contexts bring, as commands of the program beside its own.

use clap::{ArgMatches, Command, FromArgMatches, Subcommand};
use ordermesh_console::verb::{self, Work};

use crate::contexts;

/// A verb of a context, asked for by its noun, such as `order get`.
pub(super) struct ContextVerb(pub(super) Work);

impl FromArgMatches for ContextVerb {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        verb::read(&contexts::verbs(), matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for ContextVerb {
    fn augment_subcommands(program: Command) -> Command {
        verb::augment(program, &contexts::verbs())
    }

    fn augment_subcommands_for_update(program: Command) -> Command {
        Self::augment_subcommands(program)
    }

    fn has_subcommand(name: &str) -> bool {
        verb::has_noun(&contexts::verbs(), name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn no_noun_is_a_command_of_the_program_and_no_verb_is_of_two_contexts() {
        super::super::Cli::command().debug_assert();
    }

    #[test]
    fn contexts_that_share_a_noun_say_the_same_of_it() {
        let mut nouns = BTreeMap::new();
        for noun in contexts::verbs().iter().map(verb::Verbs::noun) {
            let about = nouns.entry(noun.name).or_insert(noun.about);
            assert_eq!(*about, noun.about, "of {}", noun.name);
        }
        assert!(nouns.contains_key("order"));
    }
}
