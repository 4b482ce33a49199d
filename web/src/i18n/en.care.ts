/** English for care calls, outside signs, hints and reason codes. */

import type { zhCare } from "./zh.care";

export const enCare: typeof zhCare = {
  care: {
    title: "Care", reminder: "Only for people who live alone and consented to it (consent c); apart from leads, cases and access, and not seen by who decides cases. They may opt out at any time.",
    calls: "Please look in", noCalls: "Nobody needs a call now", noCallsBut: (n) => `No call now; of ${n} more nothing can be said (below): please ask after them`, quietSince: (at) => `neither doors nor water stirred since ${at}`, contact: (who) => `first: ${who}`, noContact: "no contact left; please go and look",
    answer: "Record the call", answerTitle: (number) => `${number}: what was found`, answerHint: "What was found and done; deleted after 30 days, used for nothing else.", outcome: "Outcome", outcomeMissing: "Choose an outcome",
    outcomes: { fine: "All is well", helped: "Needed help and got it", away: "Away and well", false_alarm: "False alarm (device or meter)", not_reached: "Not reached, go on" },
    watches: "Looked after", noWatches: "Nobody yet", states: { fine: "stirring", ask: "please look in", away: "said to be away", cannot_see: "cannot be observed, nothing follows", not_alone: "others live there now, nothing follows", unknown: "not looked yet" },
    every: (hours) => `call after ${hours} quiet hours`, looked: (at) => `looked at ${at}`, notLooked: "not looked yet",
    begin: "Begin", beginHint: "Only people who live alone with consent (c). Say who asked for it and how.", who: "Person", whoMissing: "Choose a person", noCandidates: "Nobody can be chosen: consent (c) must be given at the counter first.", hours: "After how long", contactLabel: "Whom to call first (optional)",
    end: "Opt out", endTitle: (number) => `${number}: opt out`, endHint: "No reason is owed. Say who asked and how.",
  },
  signs: {
    title: "Outside signs", hint: "Classes and days from other offices and staff, never an amount or a name. They stand on both sides of a lead and never raise it; arrears are a neutral fact that never touches access.", empty: "No outside sign",
    anonymous: "anonymous", by: (who) => `from ${who}`, withdrawn: "withdrawn", withdraw: "Withdraw", record: "Record what was seen", recordHint: "A class and a day; no neighbours' words, no names. It disturbs nobody. Say how it was learned (audit).", missing: "Choose a class and a day",
    kind: "Class", on: "Day", digest: "SHA-256 of the copy kept",
    kinds: {
      rent_paid: "Rent paid", rent_by_other: "Rent paid from another's account", rent_arrears: "Arrears (a neutral fact)", renewal_applied: "Renewal applied for", moveout_agreed: "Time to move out agreed", household_changed: "Change of household in hand",
      transfer_pending: "Transfer in hand", tenant_deceased: "Tenant's death registered", registry_elsewhere: "Registered elsewhere", registry_others: "Others registered at this address", school_elsewhere: "A member studies elsewhere",
      insurance_elsewhere: "A member is insured elsewhere", report_empty: "Report: long empty", report_others: "Report: others live there", advert: "Advertised for rent", patrol_home: "Patrol: household at home", patrol_nobody: "Patrol: nobody opened", patrol_others: "Patrol: others live there",
    },
  },
  ruleRecords: {
    title: "How right the rules are", link: "How right each rule has been in closed cases", hint: "From this hub's closed cases of the last year: of a rule's leads that reached a stage, how many were confirmed when people looked. A rule clearly below what its stage promises is lowered by one stage until inspections speak for it again; this never touches anybody's access.",
    empty: "No closed case that somebody looked into yet. Once there are, each rule's share of confirmed leads stands here.", head: ["Rule", "Alert", "Promised", "Measured", "Inspected", "Confirmed", "State"],
    heldBack: "held back by one stage", inForce: "in force", few: "few cases yet",
    corrections: "Corrections of the model's chances", correction: (family, slope, shift, cases) => `${family}: log-odds × ${slope} + ${shift} (${cases} cases)`,
    families: { others: "others live there", vacancy: "vacancy" },
    limited: "questions start with the likeliest", asking: (above, a) => `${a.begun} leads began in the last ${a.days} days, of which ${a.most} may be asked about (${Math.round(a.share * 100)}% of all homes a year): this week those above ${above} are, ${a.waiting} more are only noted for now. Visits and files are not held up.`,
  },
  integrity: {
    title: "Can the records be trusted", hint: "Entrances that need a repair (D) and records that cannot be trusted (N): mend the device and the register first, then look at leads. Trouble at an entrance is no household's fault, and what was not reviewed is no ground.",
    entrances: "Entrances", entrancesEmpty: "No entrance needs a repair now", data: "Register, sources, staff", dataEmpty: "No record is in doubt now", head: ["Rule", "What", "How it is"],
    about: { device: "device", door: "door", source: "tenancy source", person: "person no.", dwelling: "dwelling", user: "account" },
  },
  hints: { title: "Hints (a question at most)", empty: "No hints", hint: "From the smaller rules of the catalogue: a note or one question, never a finding of fact.", innocent: "Think first of", openCase: "became a lead" },
};

/** Reason codes: IE01–IE32 are the innocent explanations of the rule catalogue. */
export const enReasons: Record<string, string> = {
  IE01: "Staying with children, minding grandchildren", IE02: "Taken home by a child after illness", IE03: "Hospital, rehabilitation, nursing home", IE04: "Caring for a sick relative elsewhere", IE05: "Work away: posting, site, ship, driving",
  IE06: "Night shift, early out, late in", IE07: "Boarding school, university, military service", IE08: "Home for Spring Festival or harvest", IE09: "Travel, family abroad, pilgrimage", IE10: "Custody or compulsory treatment", IE11: "Fled domestic violence (whereabouts secret)",
  IE12: "Tenant died, succession in hand", IE13: "A birth: maternity nurse or grandparents stay", IE14: "Live-in carer or assistant", IE15: "Relatives and friends come often", IE16: "Couriers, cleaners, repairers, community nurses", IE17: "Tailgating or let in by others",
  IE18: "Several people on one pass", IE19: "Side door, garage, fire stair, propped gate", IE20: "Refused or withdrew face consent; card or guard", IE21: "Face not recognised (age, growth, mask, light)", IE22: "Card lent within the family", IE23: "Device off, clock drift, wrong mapping, late data",
  IE24: "Repair, leak, no power, fit-out", IE25: "Meter fault, estimate, shared meter", IE26: "Frugal; washes elsewhere", IE27: "Register out of date", IE28: "Approved transfer in hand", IE29: "Housebound, never passes a gate", IE30: "Controlled or coerced by others", IE31: "Wrong person merged", IE32: "Officials' or operator's own records",
  V_HOME: "Visit: the household lives here", V_DATA: "Data review: the evidence does not hold", R_ELIGIBILITY: "To eligibility recheck", R_SITE: "Go on to a home visit", R_DATA: "To a data review", A_OTHER: "Another answer", A_NONE: "No reason given",
  G_SUBLET: "Sublet, lent or swapped (Order 11 art. 27-1)", G_USE: "Change of use (art. 27-2)", G_IDLE: "Left idle without good cause (art. 27-5 or local rule)", G_NOT_MOVED_IN: "Not moved in in time (local rule)", G_NONE: "Not established, or good cause",
  C_PHONE: "Not reached by phone", C_MESSAGE: "Message not answered", C_VISIT_DAY: "Nobody met, workday daytime", C_VISIT_OFF: "Nobody met, evening or weekend", C_REACHED: "The household was reached", N_OTHER: "Another note",
  S_FINDING: "A lead of the system", S_GONE: "The facts are gone", S_EXPIRED: "No new evidence in time", S_UNPROVEN: "Found not proven by two", S_UPHELD_NOT: "Withdrawn after review",
};

/** Titles of the rules of the catalogue. */
export const enRules: Record<string, string> = {
  V1: "30 days without a pass (care question)", V2: "60 days without a pass", V3: "90 days without a pass, meters near zero", V4: "About 30 days before the legal term", V5: "Legal term reached", V6: "Perhaps not moved in",
  S1: "Registered people unseen, home in use", S2: "Advertisement or report beside a sign", S3: "Visitors sleeping there in turn", S4: "Brief lending", P1: "Guests on visitor passes for long", P: "Frequent visitor", C2: "One card at two gates at once", C3: "One card in twice",
  H: "Perhaps others live there", O: "Perhaps over-occupied", R: "A registered member not seen for long", L1: "Lease over: a question", L2: "Lease over 15 days", L3: "Lease over 30 days", U1: "Vacant, signs of use", E: "An ended credential shown again",
};
