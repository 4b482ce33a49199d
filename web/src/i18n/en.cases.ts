/** English for the steps of a case; the hub's own labels are Chinese, because they are the law's. */

import { enReasons, enRules } from "./en.care";
import type { zhCases } from "./zh.cases";

export const enCases: typeof zhCases = {
  action: {
    recheck: "Have it rechecked", reviewed: "Result of the data review", ask: "Ask the household", answer: "Record the household's answer", visit: "Go on to a home visit",
    visited: "Record a home visit", interview: "Go on to an interview", interviewed: "Record the interview", hardship: "Hardship screening", propose: "Propose a conclusion to two",
    agree: "Agree as the second", disagree: "Disagree, back to the data review", sign: "Sign the notice", served: "Record the service", defence: "Record a statement and defence",
    reply: "Answer the defence", hearing_requested: "A hearing is requested", hearing_held: "Record the hearing", appeal: "Record an appeal", appeal_decided: "Decide the appeal",
    complied: "Rectified or handed back", refer: "Refer to the court", objection: "Written objection", good_cause: "Find good cause", dismiss: "Dismiss the lead", withdraw: "Withdraw the notice",
    note: "Note", archive: "Archive", opened: "Opened (a lead of the system)", stage_changed: "Alert changed", kind_changed: "Goes on as another kind of lead", facts_gone: "The facts are gone", facts_back: "The facts are back", closed_unproven: "Closed: not proven",
    lease_decision: "From the lease system", household_statement: "The household's statement (through the lease system)", household_appeal: "The household's appeal (through the lease system)",
    reminder: "Deadline reminder", pack_made: "Evidence pack made",
  },
  field: {
    channel: "Channel", devices_sound: "Doors' devices and meters were sound, clocks right", register_current: "Register of tenant, members and credentials is right",
    absence_checked: "Declared absences, hospital, transfers looked up", signals_hold: "The data the lead rests on hold", said_by: "Who spoke", said_on: "Day", away_from: "Away from, by their word", away_until: "Back on, by their word", visited_on: "Day of the visit",
    time: "Time of day", first_staff: "First member of staff", second_staff: "Second member of staff", shown_id: "Work identity shown", adult_present: "An adult of the household was present",
    result: "Result", on: "Day", place: "Place", held_on: "Day", came: "Did the household come", lone_elderly: "A lone elderly person", disabled: "A disabled person", minors: "Minors",
    illness: "Severe or mental illness, pregnancy", victim: "Perhaps controlled, coerced or abused by others", measures: "Help and postponement", conclusion: "Proposed conclusion", facts: "Facts found",
    against: "What speaks for the household, and how it was weighed", electronic: "It rests on records of doors and meters", number: "Document number", signer: "Signed by (name, office)",
    deadline: "Deadline", served_on: "Day of service", method: "How served", receiver: "Received by", outcome: "Outcome", asked_on: "Asked on", chair: "Chair (not of this case)",
    appealed_on: "Day of the appeal", done_on: "Done on", route: "Way", reminder_number: "Number of the written reminder", reminded_on: "Reminder served on", article: "Article", sent_on: "Sent on", archive_number: "Archive number",
  },
  choice: {
    yes: "Yes", no: "No", unknown: "Not known yet", phone: "Phone", message: "Message", letter: "Letter", in_person: "In person", lessee: "Tenant", member: "Member of the household", agent: "Representative",
    workday: "Workday, daytime", evening: "Workday evening", weekend: "Weekend or holiday", lives_here: "The household lives here", nobody: "Nobody opened", not_admitted: "Entry not agreed to",
    empty: "Adult present, no sign of living", others: "Adult present, others live here", rectify: "Rectify by a date", terminate: "End the lease", vacate: "Vacate by a date", good_cause: "Good cause",
    unproven: "Not proven", direct: "Delivered directly", post: "By post", left: "Left before a witness", electronic: "Electronically, with consent", upheld: "Upheld", withdrawn: "Withdrawn",
    lighter: "Changed to rectification", civil: "Civil suit", enforcement: "Court enforcement", 718: "Civil Code art. 718 (sublet)", 734: "Civil Code art. 734 (lease over)",
  },
  reason: enReasons,
  rule: enRules,
  written: {
    ask: "What was sent (a neutral question)", answer: "The household's own words", visited: "What was found (nothing inside a home is photographed)", interviewed: "Record of the interview",
    hardship: "How this was learned", agree: "Opinion", disagree: "Opinion", sign: "The notice in short (facts, reasons, basis, rights)", defence: "What was stated", reply: "Review and answer",
    hearing_held: "Record of the hearing", appeal: "The appeal", appeal_decided: "Review of the appeal", note: "Note",
    recheck: "Written opinion", reviewed: "What the review found", visit: "Written opinion", interview: "Written opinion", propose: "Written opinion", served: "How it was served", hearing_requested: "Request and arrangement", complied: "Written opinion", refer: "Written opinion", objection: "The objection", good_cause: "Written opinion", dismiss: "Written opinion", withdraw: "Written opinion", archive: "Note for the archive",
  },
  timer: {
    screen: "Screening", review: "Data review", visit: "Home visits at different hours", interview: "Interview", second: "The second person", sign: "Signing or sending back", answer: "Household's answer",
    after_answer: "Next step after the answer", serve: "Service", defend: "Household's statement and defence", comply: "Deadline of the notice", after_deadline: "Next step after the deadline",
    enforce: "Last day to apply for enforcement", archive: "Archiving", reply: "Answer to the household", reply_defence: "Answer to the defence", hearing: "Hearing", appeal: "Appeal",
    objection_718: "Objection to a sublet (Civil Code 718)", objection_734: "Objection or renewal after the lease's end (Civil Code 734)",
  },
  proposed: {
    A1: "Send a neutral question: tell us if you are away", A2: "Call twice, on different days", A3: "After asking, a home visit (two staff, identity shown, adult present, different hours)",
    A4: "After asking and visiting, an interview",
  },
  hardship: {
    lone_elderly: "lone elderly person", disabled: "disabled person", minors: "minors", illness: "severe illness or pregnancy", victim: "perhaps controlled or abused",
  },
  steps: {
    now: "Can be done now", later: "Not yet (open to see what is missing)", blockedBy: (why) => why, proposes: "The system proposes", proposesHint: "It proposes at most an interview; every step beyond is a named person's.",
    timers: "Deadlines", timersEmpty: "No deadline is running", quietUntil: (day) => `Closed: until ${day} only facts that began after the decision open another case.`, due: (day) => `by ${day}`, late: "overdue", soon: "soon", household: "household's term",
    screening: "Hardship screening", notScreened: "Not screened yet: before any notice every question needs a certain answer.", screened: (day) => `screened ${day}`, stillOpen: "not known yet", found: "found", none: "no hardship found",
    heard: "The household was heard", notHeard: "The household was not heard yet", broken: "The record does not match its check sums: it may have been changed. Tell the auditors.", optional: " (optional)", lateOnly: (n) => `Overdue only ${n}`, stepDue: "Next step by",
    choose: (what) => `Fill in: ${what}`, second: "Needs another person", filled: "Filled in",
  },
  chance: {
    title: "Chance", of: (share) => `${share}: of leads like this about so many hold when people look; it orders the work and concludes nothing.`, none: "This rule states no chance: people check the facts above.",
    limits: "Must not lead to",
  },
  pack: {
    title: "Evidence pack", hint: "The whole case as it stands: grounds, counter-evidence, coverage, papers of devices, the log and the audit trail. Personal data is masked; every pack is noted in the log.",
    pdf: "Report (PDF/A)", zip: "Signed bundle (ZIP)", whole: "With full names…", wholeTitle: "A pack with full names", wholeHint: "It holds the full names of the household. Purpose and person go to the audit log; keep it as files must be kept.",
    key: "Public key", keyHint: "Off-line: estate-hub verify-evidence FILE --key KEY", made: "Made; the browser saves it", form: "Form",
  },
  papers: {
    title: "Papers of devices", hint: "Administrative Penalty Law art. 41: electronic records without a legal and a technical review are no evidence.", none: "This lead rests on no door and no meter: no papers are needed.", complete: "complete", missing: (kinds) => `missing: ${kinds}`,
    same: "The technical and the legal review must be of two people", add: "Add a paper", addTitle: (device) => `Add a paper: ${device}`, kind: "Kind", number: "Number", from: "Valid from", until: "Valid until", openEnd: "no end", note: "Note", file: "File (PDF, PNG, JPEG, up to 4 MB)",
    kinds: { approval: "Certificate", sign: "Photo of the sign", location: "Publication of the place", technical: "Technical review", legal: "Legal review" }, validity: (from, until) => `${from} to ${until}`, saved: "Saved", needed: "Kind, number and first day are needed",
  },
};
