/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check_table.h"

#include <string.h>

/* id, genuine; then: proves, stops, source, remedy. In the order of check_ids.h. */
const struct assay_check_info assay_check_table[CHECK_COUNT] = {
	[CHECK_EVIDENCE_FORMAT] = {
	    "evidence.format",
	    true,
	    "The file is one piece of evidence of a known kind, and every length inside it agrees "
	    "with the file.",
	    "A file whose lengths lie, so that one reader sees other contents than the next.",
	    "Intel SGX ECDSA Quote Library API and TDX DCAP Quoting Library API, quote format; "
	    "AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT; AMD 55766, SEV API, ATTESTATION",
	    "See what the file is with assay inspect. Save the evidence again as raw bytes, "
	    "whole, hex or base64 text of them. Certificates are for assay cert verify.",
	},
	[CHECK_EVIDENCE_PADDING] = {
	    "evidence.padding",
	    true,
	    "Bytes after the evidence and bytes that no signature covers are zero.",
	    "Data smuggled beside genuine evidence, which a later reader may take for a part of "
	    "it.",
	    "Intel SGX ECDSA Quote Library API and TDX DCAP Quoting Library API, quote format; "
	    "AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT, SIGNATURE",
	    "Take the evidence again and save it whole and alone; if the padding is still not "
	    "zero, what wrote it is at fault.",
	},
	[CHECK_EVIDENCE_REPORT_DATA] = {
	    "evidence.report_data",
	    false,
	    "The evidence carries the challenge that was expected, all of its bytes: it was made "
	    "for this request.",
	    "Replay of evidence that was genuine once, on this machine or on another one.",
	    "RFC 9334, Remote ATtestation procedureS Architecture, section 10 (Freshness)",
	    "Take new evidence for the nonce that you sent; compare --nonce, --bind or "
	    "--report-data with what the guest was given.",
	},
	[CHECK_PLATFORM_LISTED] = {
	    "platform.listed",
	    false,
	    "The lists of platforms that you gave allow this very chip.",
	    "Forged evidence from a chip whose keys were extracted: it passes every other check.",
	    "Your allow and deny lists; the vendors' certificates name the chip (PPID, platform "
	    "instance, CHIP_ID, CEK)",
	    "If you control this machine, add its id to the allow list (--platforms); if the id "
	    "is on your deny list, find out why before you trust it.",
	},
	[CHECK_EXPECT] = {
	    "expect",
	    false,
	    "A claim has exactly the value that you asked for with --expect.",
	    "Genuine evidence of something other than what you meant to trust, such as another "
	    "image.",
	    "The command line; the claim's own source is in the schema",
	    "Compare both values. If the evidence is right, correct --expect; if not, this is not "
	    "the workload that you expected.",
	},
	[CHECK_POLICY_TEE] = {
	    "policy.tee",
	    false,
	    "The policy has a section for the TEE that made the evidence.",
	    "Evidence of a kind that the author of the policy never thought of, accepted because no "
	    "rule speaks against it.",
	    "your policy",
	    "Give the policy a section for this TEE, or take evidence of one that it has.",
	},
	[CHECK_POLICY_RULE] = {
	    "policy.rule",
	    false,
	    "A claim is as a rule of your policy wants it. Rows of it are named policy.CLAIM, and "
	    "begin with the policy and the line.",
	    "Genuine evidence of the wrong software, settings or machine.",
	    "your policy; docs/policy.md is its language",
	    "Compare what the row saw with the rule; assay policy test shows all rules at once.",
	},
	[CHECK_BUNDLE_COLLATERAL] = {
	    "bundle.collateral",
	    true,
	    "All collateral that came in the bundle could be read. It is used beside your own, for "
	    "this evidence only.",
	    "A damaged part among the collateral, so that whoever carries the bundle chooses what "
	    "of it is looked at.",
	    "docs/bundle.md",
	    "Take the evidence again, or without its collateral (--endorsements none), and give "
	    "--collateral of your own.",
	},
	[CHECK_BUNDLE_PROVIDER] = {
	    "bundle.provider",
	    true,
	    "The evidence is of a TEE that this version can judge.",
	    "Evidence of an unknown kind that passes because nothing in it was looked at.",
	    "docs/bundle.md; Linux, Documentation/ABI/testing/configfs-tsm-report, provider",
	    "Verify it with its vendor's own software, or with a version that knows this provider.",
	},
	[CHECK_EVENTLOG_REPLAY] = {
	    "eventlog.replay",
	    false,
	    "The event log that came along is what the registers were extended by: all of its "
	    "digests, no others, in this order; and texts are what the digests are of, where the "
	    "type of the event promises that.",
	    "A log that leaves out what was started, or lists what was not, and is read beside "
	    "genuine evidence.",
	    "TCG PC Client Platform Firmware Profile 1.05, section 10 (Event Logging); Intel TDX "
	    "Guest-Hypervisor Communication Interface 1.5, CCEL",
	    "See what differs: assay log replay --against. If the machine extends registers that "
	    "its log does not tell of, send the evidence without the log.",
	},
	[CHECK_CERT_FORMAT] = {
	    "cert.format",
	    true,
	    "The file is one certificate or certificate request, of a kind of key that is known, "
	    "and nothing else.",
	    "A certificate that two readers understand differently, or one that asks for what is "
	    "not understood here.",
	    "RFC 5280, section 4.1; RFC 2986, section 4",
	    "Have the peer send its certificate again, DER or PEM, alone; see what it is with "
	    "openssl x509 -text.",
	},
	[CHECK_CERT_SIGNATURE] = {
	    "cert.signature",
	    true,
	    "The certificate is signed with the private half of the key that it holds.",
	    "A certificate that someone changed on the way, or made for a key that he does not "
	    "have.",
	    "CCC, Interoperable RA-TLS X.509 Cert and Evidence Formats; RFC 5280, section 6.1.3",
	    "Have the peer make its certificate anew (assay cert make). One that a CA issued "
	    "proves nothing here.",
	},
	[CHECK_CERT_DATES] = {
	    "cert.dates",
	    true,
	    "The certificate is within its own dates.",
	    "Use of a key that its machine has given up, with evidence of a state that is gone.",
	    "RFC 5280, section 4.1.2.5",
	    "Have the peer make its certificate anew; compare the clocks of both sides.",
	},
	[CHECK_CERT_EXTENSION] = {
	    "cert.extension",
	    true,
	    "The certificate carries one piece of evidence in the strongest form that it has, and "
	    "each extension once.",
	    "A certificate whose evidence was taken out, put in twice, or broken so that a weaker "
	    "one is looked at.",
	    "CCC, Interoperable RA-TLS X.509 Cert and Evidence Formats; RFC 9999, X.509 extension; "
	    "RFC 5280, section 4.2",
	    "Have the peer make its certificate anew, inside its TEE (assay cert make).",
	},
	[CHECK_CERT_BINDING] = {
	    "cert.binding",
	    true,
	    "The evidence names the key of this certificate, by the bytes that the peer sent.",
	    "Genuine evidence of another machine, put into a certificate with one's own key.",
	    "CCC, Interoperable RA-TLS X.509 Cert and Evidence Formats, pubkey-hash; "
	    "docs/binding.md, Certificates",
	    "Do not speak with this peer: someone put evidence into a certificate that it was not "
	    "made for.",
	},
	[CHECK_CERT_NONCE] = {
	    "cert.nonce",
	    false,
	    "The certificate was made for the nonce that you gave.",
	    "An old certificate of a machine that is no longer what it was.",
	    "RFC 9334, section 10 (Freshness); CCC, Interoperable RA-TLS X.509 Cert and Evidence "
	    "Formats, nonce",
	    "Have the peer make a certificate for the nonce that you sent: assay cert make --nonce.",
	},
	[CHECK_DCAP_PCK_CHAIN] = {
	    "dcap.pck.chain",
	    true,
	    "The PCK certificate comes with the certificate of the CA that issued it and with a "
	    "root, three and no more, in one line.",
	    "A quote with no chain, or with a mixture of chains, in which each check looks at "
	    "another certificate.",
	    "Intel SGX PCK Certificate and CRL Profile; Intel SGX ECDSA Quote Library API and TDX "
	    "DCAP Quoting Library API, quote format, certification data types 1 to 5; RFC 5280, "
	    "6.1",
	    "If the quote names its PCK certificate by PPID only, pass the PCK certificate chain "
	    "with -c.",
	},
	[CHECK_DCAP_ROOT_PINNED] = {
	    "dcap.root.pinned",
	    true,
	    "The chain ends in the key of the Intel SGX Root CA, or in a root that you named with "
	    "--trust-root.",
	    "Evidence made on any computer under a root of the attacker's own that bears Intel's "
	    "name.",
	    "Intel SGX PCK Certificate and CRL Profile, Intel SGX Root CA; RFC 5280, 6.1.1 (trust "
	    "anchor)",
	    "Refuse this evidence. Only if it comes from a test platform of yours, name that "
	    "platform's root with --trust-root.",
	},
	[CHECK_DCAP_ROOT_DATES] = {
	    "dcap.root.dates",
	    true,
	    "The root certificate was valid at the time of the verdict.",
	    "Use of a root before or after the time for which its owner vouches.",
	    "Intel SGX PCK Certificate and CRL Profile; RFC 5280, 4.1.2.5",
	    "Check --time and the clock of this machine.",
	},
	[CHECK_DCAP_PCK_CA_PROFILE] = {
	    "dcap.pck_ca.profile",
	    true,
	    "The certificate between root and PCK is Intel's Platform or Processor CA: its name, "
	    "CA flag and key usage are right.",
	    "An ordinary certificate of the same root acting as a CA that issues PCK "
	    "certificates.",
	    "Intel SGX PCK Certificate and CRL Profile, Platform CA and Processor CA; RFC 5280, "
	    "4.2.1.3 and 4.2.1.9",
	    "Take a new quote; if it is the same, the platform was provisioned with a wrong chain "
	    "and must be registered anew.",
	},
	[CHECK_DCAP_PCK_CA_SIGNATURE] = {
	    "dcap.pck_ca.signature",
	    true,
	    "The root signed the certificate of the PCK CA.",
	    "A PCK CA that the attacker made, with Intel's root beside it for show.",
	    "Intel SGX PCK Certificate and CRL Profile; RFC 5280, 6.1.3 (a)(1)",
	    "Refuse this evidence: its chain was altered or is not the vendor's.",
	},
	[CHECK_DCAP_PCK_CA_DATES] = {
	    "dcap.pck_ca.dates",
	    true,
	    "The certificate of the PCK CA was valid at the time of the verdict.",
	    "Use of a CA outside the time for which the root vouches for it.",
	    "Intel SGX PCK Certificate and CRL Profile; RFC 5280, 4.1.2.5",
	    "Check --time and the clock of this machine; otherwise the platform needs a newer PCK "
	    "certificate chain.",
	},
	[CHECK_DCAP_PCK_CA_REVOKED] = {
	    "dcap.pck_ca.revoked",
	    true,
	    "The root's revocation list does not name the PCK CA.",
	    "PCK certificates of a CA whose key is no longer safe.",
	    "Intel SGX PCK Certificate and CRL Profile; RFC 5280, 6.3.3",
	    "If it is on the list, refuse every platform of this CA. If the list is missing, get "
	    "the root CRL from Intel's PCS and pass it with -c.",
	},
	[CHECK_DCAP_PCK_PROFILE] = {
	    "dcap.pck.profile",
	    true,
	    "The PCK certificate has the form that Intel prescribes: name, key, no CA, and each "
	    "SGX extension once.",
	    "A certificate that lacks a part of the TCB, or states it twice, so that a comparison "
	    "is skipped.",
	    "Intel SGX PCK Certificate and CRL Profile, SGX extensions",
	    "Take a new quote; if it is the same, the platform must fetch its PCK certificate "
	    "from Intel again.",
	},
	[CHECK_DCAP_PCK_SIGNATURE] = {
	    "dcap.pck.signature",
	    true,
	    "The PCK CA signed the PCK certificate: this is the key of a processor that Intel "
	    "knows.",
	    "A made-up processor with a TCB of the attacker's choice.",
	    "Intel SGX PCK Certificate and CRL Profile; RFC 5280, 6.1.3 (a)(1)",
	    "Refuse this evidence: its chain was altered or is not the vendor's.",
	},
	[CHECK_DCAP_PCK_DATES] = {
	    "dcap.pck.dates",
	    true,
	    "The PCK certificate was valid at the time of the verdict.",
	    "Use of a platform key outside the time for which Intel vouches for it.",
	    "Intel SGX PCK Certificate and CRL Profile; RFC 5280, 4.1.2.5",
	    "Check --time and the clock of this machine; otherwise the platform must fetch a new "
	    "PCK certificate.",
	},
	[CHECK_DCAP_PCK_REVOKED] = {
	    "dcap.pck.revoked",
	    true,
	    "The revocation list of the CA that issued it does not name the PCK certificate.",
	    "Quotes of a platform whose key Intel has withdrawn.",
	    "Intel SGX PCK Certificate and CRL Profile; Intel PCS API v4, Get Revocation List; "
	    "RFC 5280, 6.3.3",
	    "If it is on the list, refuse this platform. If the list is missing, get the PCK CRL "
	    "from Intel's PCS and pass it with -c.",
	},
	[CHECK_DCAP_ROOT_CRL_SIGNATURE] = {
	    "dcap.root_crl.signature",
	    true,
	    "The root signed its revocation list.",
	    "An empty list made by the attacker, which hides that a CA was revoked.",
	    "Intel SGX PCK Certificate and CRL Profile, CRL profile; RFC 5280, 6.3.3 (f) and (g)",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c.",
	},
	[CHECK_DCAP_ROOT_CRL_DATES] = {
	    "dcap.root_crl.dates",
	    true,
	    "The root's revocation list was current at the time of the verdict.",
	    "An old list, from before the revocation, presented again.",
	    "Intel SGX PCK Certificate and CRL Profile, CRL profile; RFC 5280, 5.1.2.4 and "
	    "5.1.2.5",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c. To judge old evidence, give --time with a "
	    "day on which it was valid.",
	},
	[CHECK_DCAP_ROOT_CRL_FLOOR] = {
	    "dcap.root_crl.floor",
	    true,
	    "The root's revocation list is not older than the lowest CRL number that you still "
	    "believe.",
	    "A list that is still within its dates, but from before the latest revocation.",
	    "RFC 5280, 5.2.3 (CRL number); the floor is yours",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c. If the newest list is still below the "
	    "floor, the floor is wrong.",
	},
	[CHECK_DCAP_PCK_CRL_SIGNATURE] = {
	    "dcap.pck_crl.signature",
	    true,
	    "The CA that issued the PCK certificate signed this revocation list.",
	    "An empty list made by the attacker, or that of the other CA, which hides that the "
	    "platform was revoked.",
	    "Intel SGX PCK Certificate and CRL Profile, CRL profile; RFC 5280, 6.3.3 (f) and (g)",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c.",
	},
	[CHECK_DCAP_PCK_CRL_DATES] = {
	    "dcap.pck_crl.dates",
	    true,
	    "The revocation list of the PCK CA was current at the time of the verdict.",
	    "An old list, from before the revocation, presented again.",
	    "Intel SGX PCK Certificate and CRL Profile, CRL profile; RFC 5280, 5.1.2.4 and "
	    "5.1.2.5",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c. To judge old evidence, give --time with a "
	    "day on which it was valid.",
	},
	[CHECK_DCAP_PCK_CRL_FLOOR] = {
	    "dcap.pck_crl.floor",
	    true,
	    "The revocation list of the PCK CA is not older than the lowest CRL number that you "
	    "still believe.",
	    "A list that is still within its dates, but from before the latest revocation.",
	    "RFC 5280, 5.2.3 (CRL number); the floor is yours",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c. If the newest list is still below the "
	    "floor, the floor is wrong.",
	},
	[CHECK_DCAP_TCB_SIGNING_PROFILE] = {
	    "dcap.tcb_signing.profile",
	    true,
	    "TCB info and QE identity were signed with the certificate Intel SGX TCB Signing, "
	    "which is no CA.",
	    "Another certificate of Intel's, such as any platform's, signing its own TCB levels.",
	    "Intel PCS API v4, issuer chains; Intel SGX PCK Certificate and CRL Profile; RFC "
	    "5280, 4.2.1.3 and 4.2.1.9",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c.",
	},
	[CHECK_DCAP_TCB_SIGNING_SIGNATURE] = {
	    "dcap.tcb_signing.signature",
	    true,
	    "The root signed the certificate of the TCB signer.",
	    "TCB levels that the attacker wrote and signed, under which any platform is up to "
	    "date.",
	    "Intel PCS API v4, issuer chains; RFC 5280, 6.1.3 (a)(1)",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c.",
	},
	[CHECK_DCAP_TCB_SIGNING_DATES] = {
	    "dcap.tcb_signing.dates",
	    true,
	    "The certificate of the TCB signer was valid at the time of the verdict.",
	    "TCB levels signed with a key for which the root no longer vouches.",
	    "Intel PCS API v4, issuer chains; RFC 5280, 4.1.2.5",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c. Collateral stored before the middle of "
	    "2025 carries an edition that has expired.",
	},
	[CHECK_DCAP_TCB_SIGNING_REVOKED] = {
	    "dcap.tcb_signing.revoked",
	    true,
	    "The root's revocation list does not name the TCB signer.",
	    "TCB levels signed with a key that was lost.",
	    "Intel SGX PCK Certificate and CRL Profile; RFC 5280, 6.3.3",
	    "If it is on the list, get collateral of the new signer. If the list is missing, get "
	    "the root CRL from Intel's PCS and pass it with -c.",
	},
	[CHECK_DCAP_TCB_INFO_SIGNATURE] = {
	    "dcap.tcb_info.signature",
	    true,
	    "The TCB signer signed the TCB info, byte for byte as it was received.",
	    "A TCB info in which the attacker turned OutOfDate into UpToDate.",
	    "Intel PCS API v4, Get TCB Info: signature over the tcbInfo object",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c.",
	},
	[CHECK_DCAP_TCB_INFO_DATES] = {
	    "dcap.tcb_info.dates",
	    true,
	    "The TCB info was current at the time of the verdict.",
	    "An old TCB info, from before a weakness became known, presented again.",
	    "Intel PCS API v4, Get TCB Info: issueDate, nextUpdate",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c. To judge old evidence, give --time with a "
	    "day on which it was valid.",
	},
	[CHECK_DCAP_TCB_INFO_EVALUATION] = {
	    "dcap.tcb_info.evaluation",
	    true,
	    "The TCB info is not older than the lowest TCB evaluation data number that you still "
	    "believe.",
	    "A TCB info that is within its dates, but from before the latest TCB recovery.",
	    "Intel PCS API v4, Get TCB Info: tcbEvaluationDataNumber; the floor is yours",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c. If the newest is still below the floor, "
	    "ask for the early update or lower the floor knowingly.",
	},
	[CHECK_DCAP_TCB_INFO_PLATFORM] = {
	    "dcap.tcb_info.platform",
	    true,
	    "The TCB info is for this kind of TEE and for this platform: FMSPC and PCE id are "
	    "those of the PCK certificate.",
	    "Judging a weak platform by the levels of another one, or a TD by those of SGX.",
	    "Intel PCS API v4, Get TCB Info: id, fmspc, pceId; Intel SGX PCK Certificate and CRL "
	    "Profile, SGX extensions",
	    "Get the TCB info of this FMSPC from Intel's PCS or your PCCS, and pass it with -c.",
	},
	[CHECK_DCAP_QE_IDENTITY_SIGNATURE] = {
	    "dcap.qe_identity.signature",
	    true,
	    "The TCB signer signed the identity of the quoting enclave, byte for byte as it was "
	    "received.",
	    "An identity that lets an enclave of the attacker's sign quotes.",
	    "Intel PCS API v4, Get Quoting Enclave Identity: signature over the enclaveIdentity "
	    "object",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c.",
	},
	[CHECK_DCAP_QE_IDENTITY_DATES] = {
	    "dcap.qe_identity.dates",
	    true,
	    "The identity of the quoting enclave was current at the time of the verdict.",
	    "An old identity, which still believes a quoting enclave with a known weakness.",
	    "Intel PCS API v4, Get Quoting Enclave Identity: issueDate, nextUpdate",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c. To judge old evidence, give --time with a "
	    "day on which it was valid.",
	},
	[CHECK_DCAP_QE_IDENTITY_EVALUATION] = {
	    "dcap.qe_identity.evaluation",
	    true,
	    "The identity of the quoting enclave is not older than the lowest TCB evaluation data "
	    "number that you still believe.",
	    "An identity that is within its dates, but from before the latest TCB recovery.",
	    "Intel PCS API v4, Get Quoting Enclave Identity: tcbEvaluationDataNumber; the floor "
	    "is yours",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c. If the newest is still below the floor, "
	    "ask for the early update or lower the floor knowingly.",
	},
	[CHECK_DCAP_QE_IDENTITY_ID] = {
	    "dcap.qe_identity.id",
	    true,
	    "The identity is that of the quoting enclave of this TEE: QE for SGX, TD_QE for TDX.",
	    "Judging one quoting enclave by the identity of the other.",
	    "Intel PCS API v4, Get Quoting Enclave Identity: id, version",
	    "Get the QE identity of this TEE from Intel's PCS or your PCCS, and pass it with -c.",
	},
	[CHECK_DCAP_QE_REPORT_SIGNATURE] = {
	    "dcap.qe_report.signature",
	    true,
	    "The platform's PCK key signed the report of the quoting enclave.",
	    "A quoting enclave that never ran on this platform, or not inside SGX at all.",
	    "Intel SGX ECDSA Quote Library API and TDX DCAP Quoting Library API, quote format, QE "
	    "report signature",
	    "Refuse this evidence: it was altered, or put together from parts of several quotes.",
	},
	[CHECK_DCAP_QE_REPORT_BINDING] = {
	    "dcap.qe_report.binding",
	    true,
	    "The report of the quoting enclave names the attestation key: its report data is the "
	    "hash of the key and the authentication data, then zeros.",
	    "A genuine report of the quoting enclave beside an attestation key of the attacker's.",
	    "Intel SGX ECDSA Quote Library API and TDX DCAP Quoting Library API, quote format, QE "
	    "report data",
	    "Refuse this evidence: it was altered, or put together from parts of several quotes.",
	},
	[CHECK_DCAP_QE_MISC_SELECT] = {
	    "dcap.qe.misc_select",
	    true,
	    "The quoting enclave's MISCSELECT is the one that Intel published.",
	    "A quoting enclave built with other features than the one that Intel examined.",
	    "Intel PCS API v4, Get Quoting Enclave Identity: miscselect, miscselectMask",
	    "The host's operator must install Intel's current quoting enclave, then take a new "
	    "quote.",
	},
	[CHECK_DCAP_QE_ATTRIBUTES] = {
	    "dcap.qe.attributes",
	    true,
	    "The quoting enclave's attributes are those that Intel published; it does not run in "
	    "debug mode.",
	    "A quoting enclave in debug mode, whose attestation key the host can read.",
	    "Intel PCS API v4, Get Quoting Enclave Identity: attributes, attributesMask",
	    "The host's operator must install Intel's current quoting enclave, then take a new "
	    "quote.",
	},
	[CHECK_DCAP_QE_MR_SIGNER] = {
	    "dcap.qe.mr_signer",
	    true,
	    "Intel signed the quoting enclave.",
	    "Any enclave that has the provision key: the PCE certifies it, and it then signs "
	    "whatever it likes.",
	    "Intel PCS API v4, Get Quoting Enclave Identity: mrsigner",
	    "Refuse this evidence: the program that signed it is not Intel's quoting enclave.",
	},
	[CHECK_DCAP_QE_PROD_ID] = {
	    "dcap.qe.prod_id",
	    true,
	    "The enclave that signed is the quoting enclave of this TEE and not another product "
	    "of Intel's.",
	    "Another enclave of Intel's, made for something else, signing in the place of the "
	    "quoting enclave.",
	    "Intel PCS API v4, Get Quoting Enclave Identity: isvprodid",
	    "Refuse this evidence: the program that signed it is not the quoting enclave of this "
	    "TEE.",
	},
	[CHECK_DCAP_QE_LEVEL] = {
	    "dcap.qe.level",
	    true,
	    "Intel has published a TCB level for this version of the quoting enclave.",
	    "A quoting enclave so old that Intel says nothing about it any more.",
	    "Intel PCS API v4, Get Quoting Enclave Identity: tcbLevels",
	    "The host's operator must install Intel's current quoting enclave, then take a new "
	    "quote.",
	},
	[CHECK_DCAP_QUOTE_SIGNATURE] = {
	    "dcap.quote.signature",
	    true,
	    "The quote was signed by the attestation key that it names.",
	    "Any change of what the quote says: measurements, attributes, report data.",
	    "Intel SGX ECDSA Quote Library API and TDX DCAP Quoting Library API, quote format, "
	    "quote signature",
	    "Refuse this evidence: it was altered after it was made. If you moved it, compare it "
	    "with the original.",
	},
	[CHECK_TDX_MODULE_IDENTITY] = {
	    "tdx.module.identity",
	    true,
	    "Intel has published an identity and a TCB level for the TDX module that made the "
	    "report.",
	    "A TDX module, or a version of one, that Intel does not know or no longer vouches "
	    "for.",
	    "Intel PCS API v4, Get TCB Info: tdxModule, tdxModuleIdentities",
	    "Get current collateral for this platform from Intel's PCS or your PCCS, keep the "
	    "files as they came, and pass them with -c. If this module is still not named, the "
	    "host's operator must load a TDX module that is.",
	},
	[CHECK_TDX_MODULE_SIGNER] = {
	    "tdx.module.signer",
	    true,
	    "The TDX module was signed by the signer that Intel published for it.",
	    "A module of another signer, which can report any TD it likes.",
	    "Intel PCS API v4, Get TCB Info: mrsigner of the module; TD quote body, MRSIGNERSEAM",
	    "Refuse this evidence unless the host's operator can explain the module; a production "
	    "host loads Intel's.",
	},
	[CHECK_TDX_MODULE_ATTRIBUTES] = {
	    "tdx.module.attributes",
	    true,
	    "The attributes of the TDX module are those that Intel published: zero, no debug.",
	    "A TDX module in debug mode, which does not protect its TDs.",
	    "Intel PCS API v4, Get TCB Info: attributes and attributesMask of the module; TD "
	    "quote body, SEAMATTRIBUTES",
	    "The host's operator must load the production TDX module, then take a new quote.",
	},
	[CHECK_DCAP_TCB_STATUS] = {
	    "dcap.tcb.status",
	    false,
	    "Platform, quoting enclave and TDX module together reach a TCB status that the policy "
	    "accepts.",
	    "Evidence from a platform with known weaknesses for which an update exists.",
	    "Intel PCS API v4, Get TCB Info: tcbLevels, tcbStatus; Intel PCS API v4, Get Quoting "
	    "Enclave Identity: tcbLevels",
	    "The host's operator must update BIOS, microcode or TDX module; the parts that are "
	    "short are listed. Then take a new quote.",
	},
	[CHECK_POLICY_DEBUG] = {
	    "policy.debug",
	    false,
	    "The TEE was not started in debug mode.",
	    "A guest whose memory the host reads and writes at will, with the same measurement as "
	    "the real one.",
	    "Intel SDM, SGX ATTRIBUTES; Intel TDX Module specification, TDATTRIBUTES; AMD 56860, "
	    "SEV-SNP Firmware ABI, POLICY; AMD 55766, SEV API, guest policy",
	    "Start the workload without debug and take new evidence. Never give secrets to this "
	    "one.",
	},
	[CHECK_TDX_POLICY_SEPT_VE_DISABLE] = {
	    "tdx.policy.sept_ve_disable",
	    false,
	    "The TD turned off exceptions for pages that the host took away (SEPT_VE_DISABLE).",
	    "A host that takes pages from a running TD and steers it through the exceptions that "
	    "follow.",
	    "Intel TDX Module specification, TDATTRIBUTES bit 28",
	    "Start the TD with SEPT_VE_DISABLE set (every current VMM can), then take a new "
	    "quote.",
	},
	[CHECK_TDX_POLICY_SERVICE_TD] = {
	    "tdx.policy.service_td",
	    false,
	    "No service TD, such as a migration TD, is bound to this TD.",
	    "A service TD that may move the TD, with its memory, to another platform.",
	    "TD quote body 1.5, MRSERVICETD",
	    "Start the TD without a service TD, or accept this one knowingly with --policy "
	    "genuine and --expect for all that matters.",
	},
	[CHECK_TDX_POLICY_ATTRIBUTES] = {
	    "tdx.policy.attributes",
	    false,
	    "The TD has no attribute that lets the host look in or that this version does not "
	    "know.",
	    "Performance or profiling access to the TD, or a feature whose meaning nobody here "
	    "has judged.",
	    "Intel TDX Module specification, TDATTRIBUTES",
	    "Start the TD without the attributes named, then take a new quote.",
	},
	[CHECK_TDX_POLICY_XFAM] = {
	    "tdx.policy.xfam",
	    false,
	    "The TD uses only processor features that are known, and those that it must have.",
	    "A processor state that the TD did not expect, or a feature whose meaning nobody here "
	    "has judged.",
	    "Intel TDX Module specification, XFAM; Intel SDM, XCR0 and IA32_XSS",
	    "Start the TD without the features named, then take a new quote.",
	},
	[CHECK_SNP_ARK_PINNED] = {
	    "snp.ark.pinned",
	    true,
	    "The chain ends in AMD's root key (ARK) of this product, or in a root that you named "
	    "with --trust-root.",
	    "Evidence made on any computer under a root of the attacker's own that bears AMD's "
	    "name.",
	    "AMD 57230, VCEK Certificate and KDS Interface, ARK; RFC 5280, 6.1.1 (trust anchor)",
	    "Refuse this evidence. Only if it comes from a test platform of yours, name that "
	    "platform's root with --trust-root.",
	},
	[CHECK_SNP_ARK_DATES] = {
	    "snp.ark.dates",
	    true,
	    "The root certificate was valid at the time of the verdict.",
	    "Use of a root before or after the time for which its owner vouches.",
	    "AMD 57230, VCEK Certificate and KDS Interface, ARK; RFC 5280, 4.1.2.5",
	    "Check --time and the clock of this machine.",
	},
	[CHECK_SNP_ASK_PROFILE] = {
	    "snp.ask.profile",
	    true,
	    "The certificate between root and chip key is the ASK (for a VCEK) or the ASVK (for a "
	    "VLEK) of this product, and a CA.",
	    "Crossing the lines: a VLEK's CA vouching for a VCEK, or an end certificate acting as "
	    "a CA.",
	    "AMD 57230, VCEK Certificate and KDS Interface, ASK and ASVK; RFC 5280, 4.2.1.3 and "
	    "4.2.1.9",
	    "Pass the certificate chain of the right line with -c, as AMD's KDS serves it "
	    "(cert_chain).",
	},
	[CHECK_SNP_ASK_SIGNATURE] = {
	    "snp.ask.signature",
	    true,
	    "The root signed the certificate of the ASK or ASVK.",
	    "An ASK that the attacker made, with AMD's root beside it for show.",
	    "AMD 57230, VCEK Certificate and KDS Interface, ASK and ASVK; RFC 5280, 6.1.3 (a)(1)",
	    "Refuse this evidence: its chain was altered or is not the vendor's.",
	},
	[CHECK_SNP_ASK_DATES] = {
	    "snp.ask.dates",
	    true,
	    "The certificate of the ASK or ASVK was valid at the time of the verdict.",
	    "Use of a CA outside the time for which the root vouches for it.",
	    "AMD 57230, VCEK Certificate and KDS Interface; RFC 5280, 4.1.2.5",
	    "Check --time and the clock of this machine; otherwise pass AMD's current chain with "
	    "-c (KDS, cert_chain).",
	},
	[CHECK_SNP_ASK_REVOKED] = {
	    "snp.ask.revoked",
	    true,
	    "AMD's revocation list does not name the ASK or ASVK.",
	    "Chip certificates of a CA that AMD has withdrawn, as it did with one of Genoa's in "
	    "2022.",
	    "AMD 57230, VCEK Certificate and KDS Interface, CRL; RFC 5280, 6.3.3",
	    "Get the current chain, and the chip's certificate under the new CA, from AMD's KDS, "
	    "and pass both with -c.",
	},
	[CHECK_SNP_CRL] = {
	    "snp.crl",
	    true,
	    "The verifier has a revocation list of this product's root, which signed it.",
	    "An empty list made by the attacker, which hides that the CA was revoked; and a list of "
	    "AMD's other line, in which this CA never is: one that came with the evidence can only "
	    "revoke.",
	    "AMD 57230, VCEK Certificate and KDS Interface, CRL; RFC 5280, 6.3.3",
	    "Get the lists of this product from AMD's KDS, of VCEKs and of VLEKs, and pass them with "
	    "-c: nothing in a list says of which line it is. Without --require-crl the verdict does "
	    "not wait for one.",
	},
	[CHECK_SNP_CRL_DATES] = {
	    "snp.crl.dates",
	    true,
	    "The revocation list was current at the time of the verdict.",
	    "An old list, from before the revocation, presented again.",
	    "AMD 57230, VCEK Certificate and KDS Interface, CRL; RFC 5280, 5.1.2.4 and 5.1.2.5",
	    "Get the current list from AMD's KDS and pass it with -c. To judge old evidence, give "
	    "--time.",
	},
	[CHECK_SNP_CRL_FLOOR] = {
	    "snp.crl.floor",
	    true,
	    "The revocation list is not older than the lowest CRL number that you still believe.",
	    "A list that is still within its dates, but from before the latest revocation.",
	    "RFC 5280, 5.2.3 (CRL number); the floor is yours",
	    "Get the current list from AMD's KDS and pass it with -c. If it is still below the "
	    "floor, the floor is wrong.",
	},
	[CHECK_SNP_VCEK_KIND] = {
	    "snp.vcek.kind",
	    true,
	    "The certificate is of the kind of key that the report says it was signed with: VCEK "
	    "or VLEK.",
	    "A VLEK, which names no chip, passed off as a chip's own key.",
	    "AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT, SIGNING_KEY; AMD 57230, VCEK "
	    "Certificate and KDS Interface",
	    "Pass the certificate of the key that signed with -c: the VCEK from AMD's KDS, the "
	    "VLEK from the cloud provider.",
	},
	[CHECK_SNP_VCEK_PROFILE] = {
	    "snp.vcek.profile",
	    true,
	    "The chip's certificate has the form that AMD prescribes: name, P-384 key, and each "
	    "extension of its kind once.",
	    "A certificate that lacks the TCB or the chip id, so that a comparison is skipped.",
	    "AMD 57230, VCEK Certificate and KDS Interface, VCEK and VLEK certificate, extensions",
	    "Get the certificate from AMD's KDS again and pass it with -c.",
	},
	[CHECK_SNP_VCEK_SIGNATURE] = {
	    "snp.vcek.signature",
	    true,
	    "The ASK or ASVK signed the chip's certificate: this is the key of a processor that "
	    "AMD knows.",
	    "A made-up processor with a TCB of the attacker's choice.",
	    "AMD 57230, VCEK Certificate and KDS Interface; RFC 5280, 6.1.3 (a)(1)",
	    "Refuse this evidence: its chain was altered or is not the vendor's.",
	},
	[CHECK_SNP_VCEK_DATES] = {
	    "snp.vcek.dates",
	    true,
	    "The chip's certificate was valid at the time of the verdict.",
	    "Use of a key outside the time for which AMD vouches for it; a VLEK lives one year "
	    "only.",
	    "AMD 57230, VCEK Certificate and KDS Interface; RFC 5280, 4.1.2.5",
	    "Check --time and the clock. A new VCEK comes from AMD's KDS, a new VLEK from the "
	    "cloud provider; pass it with -c.",
	},
	[CHECK_SNP_VCEK_PRODUCT] = {
	    "snp.vcek.product",
	    true,
	    "The chip's certificate is for the product that the report and the chain are of.",
	    "Reading the eight TCB bytes by the layout of another product, in which old firmware "
	    "looks new.",
	    "AMD 57230, VCEK Certificate and KDS Interface, productName and structVersion; AMD "
	    "56860, SEV-SNP Firmware ABI, TCB_VERSION",
	    "Pass the certificate and the chain of the product that the report names with -c.",
	},
	[CHECK_SNP_VCEK_TCB_MATCHES] = {
	    "snp.vcek.tcb_matches",
	    true,
	    "The certificate is for exactly the TCB that the report states as REPORTED_TCB, part "
	    "by part.",
	    "The key of an older, weaker firmware signing reports that claim a newer one.",
	    "AMD 57230, VCEK Certificate and KDS Interface, SPL extensions; AMD 56860, SEV-SNP "
	    "Firmware ABI, ATTESTATION_REPORT, REPORTED_TCB",
	    "Get the VCEK of this report's chip and REPORTED_TCB from AMD's KDS and pass it with "
	    "-c; each firmware update brings another one.",
	},
	[CHECK_SNP_VCEK_CHIP_ID] = {
	    "snp.vcek.chip_id",
	    true,
	    "The certificate is for the chip that made the report: hwID equals CHIP_ID.",
	    "A report of one chip under the certificate of another, which defeats lists of chips.",
	    "AMD 57230, VCEK Certificate and KDS Interface, hwID; AMD 56860, SEV-SNP Firmware "
	    "ABI, ATTESTATION_REPORT, CHIP_ID",
	    "Get the VCEK of this report's CHIP_ID and REPORTED_TCB from AMD's KDS and pass it "
	    "with -c.",
	},
	[CHECK_SNP_REPORT_SIGNED] = {
	    "snp.report.signed",
	    true,
	    "The firmware signed the report, with a chip's or a provider's key and with the "
	    "algorithm known here.",
	    "A report in which the firmware wrote zeros for a signature, because the host masked "
	    "the chip key.",
	    "AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT, KEY_INFO and SIGNATURE_ALGO",
	    "The host's operator must turn off MASK_CHIP_KEY; then take a new report.",
	},
	[CHECK_SNP_REPORT_SIGNATURE] = {
	    "snp.report.signature",
	    true,
	    "The key of the chip's certificate signed the report.",
	    "Any change of what the report says: measurement, policy, report data.",
	    "AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT, SIGNATURE",
	    "Refuse this evidence: it was altered after it was made, or the certificate is not "
	    "this chip's.",
	},
	[CHECK_SNP_REPORT_PRODUCT] = {
	    "snp.report.product",
	    true,
	    "The report names a product that this version knows; a report of version 2 takes it "
	    "from its certificate.",
	    "Judging an unknown product by the layout of another one.",
	    "AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT, CPUID_FAM_ID and CPUID_MOD_ID",
	    "Use a newer version of Assay if this processor is newer than it; else refuse this "
	    "evidence.",
	},
	[CHECK_SNP_REPORT_POLICY] = {
	    "snp.report.policy",
	    true,
	    "The launch policy has the form that the firmware demands: bit 17 set, unknown bits "
	    "zero.",
	    "A policy bit whose meaning nobody here has judged.",
	    "AMD 56860, SEV-SNP Firmware ABI, guest policy",
	    "Start the guest with a policy of known bits, or use a newer version of Assay that "
	    "knows them.",
	},
	[CHECK_SNP_REPORT_TCB_ORDER] = {
	    "snp.report.tcb_order",
	    true,
	    "The TCB values agree with each other: committed firmware is not newer than what "
	    "runs.",
	    "A report that no healthy firmware makes.",
	    "AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT, COMMITTED_TCB and CURRENT_TCB",
	    "Take a new report. If it is the same, the host's operator must look after its "
	    "firmware.",
	},
	[CHECK_SNP_SVSM_MANIFEST] = {
	    "snp.svsm.manifest",
	    true,
	    "What came as the manifest of an SVSM has the form of one: the table of all services, or "
	    "the public area of a vTPM's key.",
	    "Hashes that the guest makes of a nonce and other data, passed off as an SVSM's answer.",
	    "AMD 58019, Secure VM Service Module, attestation protocol; TPM 2.0 Library, Part 2, "
	    "TPMT_PUBLIC",
	    "Ask the service module again. If it was not asked, the bundle must hold no manifest.",
	},
	[CHECK_SNP_SVSM_VMPL] = {
	    "snp.svsm.vmpl",
	    true,
	    "The report that came with an SVSM's manifest was made for privilege level 0, where the "
	    "SVSM runs.",
	    "A guest's kernel below an SVSM that makes up a manifest and speaks for the SVSM.",
	    "AMD 58019, Secure VM Service Module, attestation protocol",
	    "Ask for the evidence through the service module, with the service provider svsm.",
	},
	[CHECK_SNP_TCB_FLOOR] = {
	    "snp.tcb.floor",
	    false,
	    "Each part of the reported TCB is at least what --min-tcb, or the built-in dated "
	    "floor, asks.",
	    "Evidence from firmware or microcode with known weaknesses for which an update "
	    "exists.",
	    "AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT, REPORTED_TCB; AMD's security "
	    "bulletins; the floor is yours or built in",
	    "The host's operator must install the parts that are short and commit them "
	    "(SNP_COMMIT). Then take new evidence and get its new VCEK.",
	},
	[CHECK_SNP_POLICY_VMPL] = {
	    "snp.policy.vmpl",
	    false,
	    "The report was asked for at privilege level 0, the level of the whole guest.",
	    "A less privileged part of the guest, or the host, speaking for the whole guest.",
	    "AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT, VMPL",
	    "Ask for the report at VMPL 0; under an SVSM accept its level knowingly with --policy "
	    "genuine and --expect.",
	},
	[CHECK_SNP_POLICY_MIGRATION] = {
	    "snp.policy.migration",
	    false,
	    "The guest may not be moved by a migration agent.",
	    "A migration agent that takes the guest, with its memory, to another machine.",
	    "AMD 56860, SEV-SNP Firmware ABI, guest policy, MIGRATE_MA",
	    "Start the guest without the migration agent bit in its policy, then take a new "
	    "report.",
	},
	[CHECK_SNP_POLICY_CHIP_ID] = {
	    "snp.policy.chip_id",
	    false,
	    "A report under a VCEK names its chip: CHIP_ID is not masked.",
	    "A host that hides which chip it is, so that lists of chips cannot see it.",
	    "AMD 56860, SEV-SNP Firmware ABI, ATTESTATION_REPORT, CHIP_ID and MASK_CHIP_ID",
	    "The host's operator must turn off MASK_CHIP_ID; then take a new report.",
	},
	[CHECK_SEV_ARK_PINNED] = {
	    "sev.ark.pinned",
	    true,
	    "The chain ends in AMD's root key (ARK) of a known product, or in a root that you "
	    "named with --trust-root.",
	    "Evidence made on any computer under a root of the attacker's own that bears AMD's "
	    "key id.",
	    "AMD 55766, SEV API, AMD root key certificate",
	    "Refuse this evidence. Only if it comes from a test platform of yours, name that "
	    "platform's root with --trust-root.",
	},
	[CHECK_SEV_ARK_SIGNATURE] = {
	    "sev.ark.signature",
	    true,
	    "The root signed itself: the certificate is whole.",
	    "A root certificate that was altered or cut short.",
	    "AMD 55766, SEV API, AMD root key certificate",
	    "Bring AMD's ask_ark file of this product again.",
	},
	[CHECK_SEV_ASK_PROFILE] = {
	    "sev.ask.profile",
	    true,
	    "The ASK is a certificate of the right usage, and it names the root as its certifier.",
	    "A certificate made for another purpose acting as the ASK.",
	    "AMD 55766, SEV API, AMD signing key certificate",
	    "Bring AMD's ask_ark file of this product again.",
	},
	[CHECK_SEV_ASK_SIGNATURE] = {
	    "sev.ask.signature",
	    true,
	    "The root signed the ASK.",
	    "An ASK that the attacker made, with AMD's root beside it for show.",
	    "AMD 55766, SEV API, AMD signing key certificate",
	    "Refuse this evidence: its chain was altered or is not the vendor's.",
	},
	[CHECK_SEV_CEK_PROFILE] = {
	    "sev.cek.profile",
	    true,
	    "The CEK is a certificate of the right version, usage, algorithm and form.",
	    "A certificate made for another purpose acting as the chip's key.",
	    "AMD 55766, SEV API, SEV certificate format",
	    "Export the chain from the platform again and fetch its CEK anew.",
	},
	[CHECK_SEV_CEK_SIGNATURE] = {
	    "sev.cek.signature",
	    true,
	    "The ASK signed the CEK: this is the key of a chip that AMD knows.",
	    "A made-up chip.",
	    "AMD 55766, SEV API, SEV certificate format",
	    "Refuse this evidence; if the CEK is of another product, bring that product's ask_ark "
	    "file.",
	},
	[CHECK_SEV_OCA_PROFILE] = {
	    "sev.oca.profile",
	    true,
	    "The OCA is a certificate of the right version, usage, algorithm and form.",
	    "A certificate made for another purpose acting as the platform owner's key.",
	    "AMD 55766, SEV API, SEV certificate format",
	    "Export the chain from the platform again.",
	},
	[CHECK_SEV_OCA_SIGNATURE] = {
	    "sev.oca.signature",
	    true,
	    "The platform owner's certificate (OCA) signed itself: it is whole.",
	    "An owner's certificate that was altered.",
	    "AMD 55766, SEV API, SEV certificate format",
	    "Export the chain from the platform again.",
	},
	[CHECK_SEV_PEK_PROFILE] = {
	    "sev.pek.profile",
	    true,
	    "The PEK is a certificate of the right version, usage, algorithm and form.",
	    "A certificate made for another purpose acting as the platform's endorsement key.",
	    "AMD 55766, SEV API, SEV certificate format",
	    "Export the chain from the platform again.",
	},
	[CHECK_SEV_PEK_CEK_SIGNATURE] = {
	    "sev.pek.cek_signature",
	    true,
	    "The chip's key (CEK) signed the PEK: the endorsement key lives in this chip.",
	    "An endorsement key that the attacker holds outside any chip.",
	    "AMD 55766, SEV API, PEK certificate",
	    "Export the chain from the platform again: after PEK_GEN or a reset the old PEK no "
	    "longer counts.",
	},
	[CHECK_SEV_PEK_OCA_SIGNATURE] = {
	    "sev.pek.oca_signature",
	    true,
	    "The platform owner's key (OCA) signed the PEK.",
	    "An endorsement key of another ownership of the same chip.",
	    "AMD 55766, SEV API, PEK certificate",
	    "Export the whole chain from the platform again; PEK and OCA must be of one time.",
	},
	[CHECK_SEV_PDH_PROFILE] = {
	    "sev.pdh.profile",
	    true,
	    "The PDH is a certificate of the right version, usage, algorithm and form.",
	    "A certificate made for another purpose acting as the key that launch secrets are "
	    "sent to.",
	    "AMD 55766, SEV API, SEV certificate format",
	    "Export the chain from the platform again.",
	},
	[CHECK_SEV_PDH_SIGNATURE] = {
	    "sev.pdh.signature",
	    true,
	    "The PEK signed the PDH.",
	    "Launch secrets encrypted to a key that the attacker holds.",
	    "AMD 55766, SEV API, PDH certificate",
	    "Export the chain from the platform again: each PDH_GEN makes a new PDH.",
	},
	[CHECK_SEV_REPORT_SIGNER] = {
	    "sev.report.signer",
	    true,
	    "The report says that it was signed with a PEK, by the algorithm of this PEK; its "
	    "reserved bytes are zero.",
	    "Steering the verifier through fields that no signature covers.",
	    "AMD 55766, SEV API, ATTESTATION",
	    "Take the report again; if it is the same, what carried it has altered it.",
	},
	[CHECK_SEV_REPORT_SIGNATURE] = {
	    "sev.report.signature",
	    true,
	    "The PEK signed nonce, launch digest and policy of the report.",
	    "Any change of what the report says.",
	    "AMD 55766, SEV API, ATTESTATION",
	    "Export the chain again, for the PEK may have changed, and take a new report with it. "
	    "Else refuse it: it was altered.",
	},
	[CHECK_SEV_LAUNCH_PLATFORM] = {
	    "sev.launch.platform",
	    true,
	    "The report comes from the platform on which the guest was launched: its CEK and PEK are "
	    "those of the launch record.",
	    "A report of another machine, which runs a guest of the same digest, shown for this one.",
	    "docs/binding.md; AMD 55766, SEV API, appendix C, PEK and CEK certificates",
	    "Launch the guest anew and take its new launch record: a SEV guest does not move, and a "
	    "platform with new keys has none of its old guests.",
	},
	[CHECK_SEV_LAUNCH_DIGEST] = {
	    "sev.launch.digest",
	    true,
	    "The report's launch digest is the one that the owner checked before the key was "
	    "injected.",
	    "A report of another guest on the same machine, fetched by a host that answers for a "
	    "guest of its own choice.",
	    "docs/binding.md; AMD 55766, SEV API, LAUNCH_MEASURE and ATTESTATION",
	    "Refuse this evidence: the host took the report of another guest.",
	},
	[CHECK_SEV_LAUNCH_POLICY] = {
	    "sev.launch.policy",
	    true,
	    "The report's guest policy is the one under which the guest was launched.",
	    "A report of a guest of the same image with another policy: one without SEV-ES, or open "
	    "to debugging.",
	    "docs/binding.md; AMD 55766, SEV API, guest policy",
	    "Refuse this evidence: the host took the report of another guest.",
	},
	[CHECK_SEV_LAUNCH_SIGNER] = {
	    "sev.launch.signer",
	    false,
	    "Somebody whom you named signed the launch record.",
	    "A launch record of the attacker's, with a key of his own, under the name of your guest.",
	    "docs/binding.md; RFC 7515, JSON Web Signature",
	    "Name the key with --signer, if the record is that owner's.",
	},
	[CHECK_SEV_PROOF_KNOWN] = {
	    "sev.proof.known",
	    true,
	    "The key that vouches for the guest's proof is that of one launch record, and of one "
	    "launch only of its signer.",
	    "The proof of another guest; and a key that was injected twice, of which the host has a "
	    "second guest answer.",
	    "docs/binding.md",
	    "Give, or push, the launch record of this guest, as it is after assay launch secret.",
	},
	[CHECK_SEV_PROOF_CERTIFIED] = {
	    "sev.proof.certified",
	    true,
	    "The key that the owner injected certified the guest's working key.",
	    "A working key of the host's, or of another guest, that names the injected key.",
	    "docs/binding.md",
	    "Refuse this evidence: whoever made the proof did not hold the injected key.",
	},
	[CHECK_SEV_PROOF_SIGNATURE] = {
	    "sev.proof.signature",
	    true,
	    "The guest's working key signed this report together with the report data that were "
	    "asked for.",
	    "A fresh report and an old proof, or the proof of another request, put together by the "
	    "host.",
	    "docs/binding.md",
	    "Ask the guest again. If it is the same, the host puts another report in its place.",
	},
	[CHECK_SEV_POLICY_BINDING] = {
	    "sev.policy.binding",
	    false,
	    "The evidence is bound to one guest, by a key that its owner put into it at launch.",
	    "A host that answers with the report of another guest of the same digest and policy.",
	    "AMD 55766, SEV API, ATTESTATION and LAUNCH_SECRET: the report itself names no guest",
	    "Give what is missing: the guest's launch record, the nonce that it answers (--launch, "
	    "--nonce), or a proof that fits both. Of plain SEV weak is the most: use SEV-ES, or "
	    "better SEV-SNP, or a policy of your own.",
	},
	[CHECK_SEV_POLICY_ES] = {
	    "sev.policy.es",
	    false,
	    "The guest's registers are encrypted (SEV-ES).",
	    "A host that reads secrets from the registers of a stopped guest.",
	    "AMD 55766, SEV API, guest policy bit 2",
	    "Start the guest with SEV-ES, policy bit 2 set; better, use SEV-SNP.",
	},
	[CHECK_SEV_POLICY_NOKS] = {
	    "sev.policy.noks",
	    false,
	    "The guest does not share its memory key with another guest.",
	    "A second guest with the same key, which reads the first one's memory.",
	    "AMD 55766, SEV API, guest policy bit 1",
	    "Start the guest with NOKS, policy bit 1 set.",
	},
	[CHECK_SEV_POLICY_NOSEND] = {
	    "sev.policy.nosend",
	    false,
	    "The guest may not be sent to another platform.",
	    "A host that moves the guest, with its memory, to a platform that nobody checked.",
	    "AMD 55766, SEV API, guest policy bit 3",
	    "Start the guest with NOSEND, policy bit 3 set.",
	},
};

size_t
assay_check_info_count(void)
{
	return CHECK_COUNT;
}

const struct assay_check_info *
assay_check_info_at(size_t index)
{
	return index < CHECK_COUNT ? &assay_check_table[index] : NULL;
}

const struct assay_check_info *
assay_check_info_find(const char *id)
{
	if (strncmp(id, "expect.", 7) == 0)
		id = "expect";
	for (size_t i = 0; i < CHECK_COUNT; i++)
		if (strcmp(assay_check_table[i].id, id) == 0)
			return &assay_check_table[i];
	return strncmp(id, "policy.", 7) == 0 ? &assay_check_table[CHECK_POLICY_RULE] : NULL;
}

const char *
assay_check_info_id(const struct assay_check_info *info)
{
	return info->id;
}

const char *
assay_check_info_proves(const struct assay_check_info *info)
{
	return info->proves;
}

const char *
assay_check_info_stops(const struct assay_check_info *info)
{
	return info->stops;
}

const char *
assay_check_info_source(const struct assay_check_info *info)
{
	return info->source;
}

const char *
assay_check_info_remedy(const struct assay_check_info *info)
{
	return info->remedy;
}
