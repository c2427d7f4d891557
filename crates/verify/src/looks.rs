//! What several looks at a system come to: a look that could not judge something neither accuses nor acquits.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::{Offence, Question, Verdict};

/// What stands against a system after the looks so far.
#[derive(Debug, Default)]
pub struct Looks {
    /// What every look found broken that could judge it; nothing is found as long as none could. Unset before the first
    /// look.
    standing: Option<BTreeMap<Question, Finding>>,
}

#[derive(Debug, Default)]
struct Finding {
    offence: Option<Offence>,
    /// It was found by the last look only.
    is_new: bool,
}

impl Looks {
    /// Takes one more look in: what it saw, with the offences that stand by now, and what none could judge.
    pub fn take(&mut self, seen: Verdict) -> Verdict {
        let found = seen.offences.into_iter().map(|offence| (offence.question(), offence));
        let (mut found, mut unjudged) = (found.collect::<BTreeMap<_, _>>(), seen.unjudged);
        let before = self.standing.take().unwrap_or_else(|| {
            let questions = found.keys().chain(&unjudged);
            questions.map(|question| (question.clone(), Finding::default())).collect()
        });
        let mut standing = BTreeMap::new();
        for (question, before) in before {
            let is_new = before.offence.is_none();
            match (found.remove(&question), unjudged.take(&question)) {
                (Some(offence), _) => {
                    standing.insert(question, Finding { offence: Some(offence), is_new });
                }
                (None, Some(question)) => {
                    standing.insert(question, Finding { is_new: false, ..before });
                }
                (None, None) => {}
            }
        }
        let offences = standing.values().filter_map(|finding| finding.offence.clone()).collect();
        let never = standing.iter().filter(|(_, finding)| finding.offence.is_none());
        let unjudged: BTreeSet<_> = never.map(|(question, _)| question.clone()).collect();
        self.standing = Some(standing);
        Verdict { offences, unjudged, ..seen }
    }

    /// Whether no further look can change anything: all was judged, and nothing stands.
    pub fn is_clear(&self) -> bool {
        self.standing.as_ref().is_some_and(BTreeMap::is_empty)
    }

    /// Whether something was found for the first time by the last look, which must not be all that says so.
    pub fn has_news(&self) -> bool {
        self.standing.as_ref().is_none_or(|standing| standing.values().any(|finding| finding.is_new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRONG: &str = "stock: it is wrong";

    fn look(found: &[&str], unjudged: &[&str]) -> Verdict {
        let offence =
            |subject: &&str| Offence { invariant: WRONG, subject: (*subject).into(), detail: String::new() };
        Verdict {
            offences: found.iter().map(offence).collect(),
            unjudged: unjudged.iter().map(|subject| (WRONG, (*subject).to_owned())).collect(),
            ..Verdict::default()
        }
    }

    fn subjects(verdict: &Verdict) -> (Vec<&str>, Vec<&str>) {
        let found = verdict.offences.iter().map(|offence| offence.subject.as_str());
        (found.collect(), verdict.unjudged.iter().map(|(_, subject)| subject.as_str()).collect())
    }

    #[test]
    fn what_a_later_look_finds_right_is_no_offence() {
        let mut looks = Looks::default();
        assert_eq!(subjects(&looks.take(look(&["tea", "cup"], &[]))).0, ["cup", "tea"]);
        assert!(looks.has_news() && !looks.is_clear());
        assert_eq!(subjects(&looks.take(look(&["tea", "new"], &[]))).0, ["tea"]);
        assert!(!looks.has_news() && !looks.is_clear());
        assert_eq!(subjects(&looks.take(look(&["cup"], &[]))).0, [""; 0]);
        assert!(looks.is_clear());
    }

    #[test]
    fn a_look_that_could_not_judge_does_not_acquit() {
        let mut looks = Looks::default();
        looks.take(look(&["tea"], &[]));
        assert_eq!(subjects(&looks.take(look(&[], &["tea"]))), (vec!["tea"], vec![]));
        assert_eq!(subjects(&looks.take(look(&["tea"], &[]))), (vec!["tea"], vec![]));
        assert_eq!(subjects(&looks.take(look(&[], &[]))), (vec![], vec![]));
    }

    #[test]
    fn what_no_look_could_judge_is_told_until_one_can() {
        let mut looks = Looks::default();
        assert_eq!(subjects(&looks.take(look(&[], &["cup", "tea"]))), (vec![], vec!["cup", "tea"]));
        assert!(!looks.is_clear() && !looks.has_news());
        assert_eq!(subjects(&looks.take(look(&[], &["tea"]))), (vec![], vec!["tea"]));
        assert_eq!(subjects(&looks.take(look(&["tea"], &[]))), (vec!["tea"], vec![]));
        assert!(looks.has_news(), "one look more must say so");
        assert_eq!(subjects(&looks.take(look(&["tea"], &[]))), (vec!["tea"], vec![]));
        assert!(!looks.has_news());
    }
}
