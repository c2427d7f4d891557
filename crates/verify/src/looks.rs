//! What several looks at a system come to: a look that could not judge something neither accuses nor acquits, and what is
//! wrong in another way at each look is on its way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::judge::{Offence, Question, Verdict};

/// So many looks, and times the patience, until what still changes is given up.
const MOST: u32 = 4;

/// What stands against a system after the looks so far.
#[derive(Debug, Default)]
pub struct Looks {
    /// How many there were, and when the first one was over.
    taken: u32,
    first: Duration,
    /// What every look found broken that could judge it; nothing is found as long as none could. Unset before the first
    /// look.
    standing: Option<BTreeMap<Question, Finding>>,
}

#[derive(Debug, Default)]
struct Finding {
    offence: Option<Offence>,
    /// When it was first found as it is now, since the first look.
    since: Duration,
}

impl Finding {
    /// It has been as it is for as long as the system may take, by more than one look.
    fn stands(&self, now: Duration, patience: Duration) -> bool {
        let since = if self.offence.is_some() { self.since } else { Duration::ZERO };
        now > since && now - since >= patience
    }
}

impl Looks {
    /// Takes in one more look, so long after the first one: what it saw, with the offences that stand by now, and what none
    /// could judge.
    pub fn take(&mut self, seen: Verdict, now: Duration) -> Verdict {
        if self.taken == 0 {
            self.first = now;
        }
        self.taken += 1;
        let found = seen.offences.into_iter().map(|offence| (offence.question(), offence));
        let (mut found, mut unjudged) = (found.collect::<BTreeMap<_, _>>(), seen.unjudged);
        let before = self.standing.take().unwrap_or_else(|| {
            let questions = found.keys().chain(&unjudged);
            questions.map(|question| (question.clone(), Finding::default())).collect()
        });
        let mut standing = BTreeMap::new();
        for (question, before) in before {
            match (found.remove(&question), unjudged.take(&question)) {
                (Some(offence), _) => {
                    let same = before.offence.is_some_and(|before| before.detail == offence.detail);
                    let since = if same { before.since } else { now };
                    standing.insert(question, Finding { offence: Some(offence), since });
                }
                (None, Some(question)) => {
                    standing.insert(question, before);
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

    /// Whether what still changes is given up as not judged: after several looks, and several times the patience since the
    /// first one, however long each takes.
    pub fn give_up(&self, now: Duration, patience: Duration) -> bool {
        self.taken >= MOST && now.saturating_sub(self.first) >= MOST * patience
    }

    /// What has not stood for `patience` yet, so that the next look may acquit it.
    pub fn unsettled(&self, now: Duration, patience: Duration) -> BTreeSet<Question> {
        let findings = self.standing.iter().flatten();
        let open = findings.filter(|(_, finding)| !finding.stands(now, patience));
        open.map(|(question, _)| question.clone()).collect()
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

    /// Whether no further look can change anything: all was judged, and nothing stands.
    fn is_clear(looks: &Looks) -> bool {
        looks.standing.as_ref().is_some_and(BTreeMap::is_empty)
    }

    const fn second(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn what_a_later_look_finds_right_is_no_offence() {
        let mut looks = Looks::default();
        assert_eq!(subjects(&looks.take(look(&["tea", "cup"], &[]), second(0))).0, ["cup", "tea"]);
        assert_eq!(looks.unsettled(second(0), second(0)).len(), 2, "one look is not enough");
        assert_eq!(subjects(&looks.take(look(&["tea", "new"], &[]), second(1))).0, ["tea"]);
        assert!(looks.unsettled(second(1), second(1)).is_empty() && !is_clear(&looks));
        assert_eq!(looks.unsettled(second(1), second(2)).len(), 1);
        assert_eq!(subjects(&looks.take(look(&["cup"], &[]), second(2))).0, [""; 0]);
        assert!(is_clear(&looks));
    }

    #[test]
    fn what_is_wrong_in_another_way_is_given_its_time_anew() {
        let mut looks = Looks::default();
        looks.take(look(&["tea"], &[]), second(0));
        let mut other = look(&["tea"], &[]);
        other.offences[0].detail = "in another way".to_owned();
        for (now, unsettled) in [(5, 1), (9, 1), (15, 0)] {
            assert_eq!(subjects(&looks.take(other.clone(), second(now))).0, ["tea"]);
            assert_eq!(looks.unsettled(second(now), second(10)).len(), unsettled, "after {now} s");
        }
    }

    #[test]
    fn what_changes_is_given_up_after_several_looks_however_long_each_takes() {
        let (mut looks, patience) = (Looks::default(), second(10));
        for (now, gives_up) in [(100, false), (200, false), (300, false), (400, true)] {
            looks.take(look(&["tea"], &[]), second(now));
            assert_eq!(looks.give_up(second(now), patience), gives_up, "after {now} s");
        }
        let mut looks = Looks::default();
        for (now, gives_up) in [(1, false), (2, false), (3, false), (4, false), (40, false), (41, true)] {
            looks.take(look(&["tea"], &[]), second(now));
            assert_eq!(looks.give_up(second(now), patience), gives_up, "after {now} s");
        }
    }

    #[test]
    fn a_look_that_could_not_judge_does_not_acquit() {
        let mut looks = Looks::default();
        looks.take(look(&["tea"], &[]), second(0));
        assert_eq!(subjects(&looks.take(look(&[], &["tea"]), second(1))), (vec!["tea"], vec![]));
        assert_eq!(subjects(&looks.take(look(&["tea"], &[]), second(2))), (vec!["tea"], vec![]));
        assert_eq!(subjects(&looks.take(look(&[], &[]), second(3))), (vec![], vec![]));
    }

    #[test]
    fn what_no_look_could_judge_is_told_until_one_can() {
        let mut looks = Looks::default();
        assert_eq!(
            subjects(&looks.take(look(&[], &["cup", "tea"]), second(0))),
            (vec![], vec!["cup", "tea"])
        );
        assert!(!is_clear(&looks));
        assert_eq!(subjects(&looks.take(look(&[], &["tea"]), second(1))), (vec![], vec!["tea"]));
        assert!(looks.unsettled(second(1), second(1)).is_empty());
        assert_eq!(subjects(&looks.take(look(&["tea"], &[]), second(2))), (vec!["tea"], vec![]));
        assert_eq!(looks.unsettled(second(2), second(1)).len(), 1, "one look more must say so");
        assert_eq!(subjects(&looks.take(look(&["tea"], &[]), second(3))), (vec!["tea"], vec![]));
        assert!(looks.unsettled(second(3), second(1)).is_empty());
    }
}
