/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAYD_KEEPER_ADMIN_H
#define ASSAYD_KEEPER_ADMIN_H

/*
 * The verbs of KEEPER_ADMIN_DO: arguments (JSON object) [body] -> answer, and the least role.
 *
 *   secret.put       {path, policy?, expect_version?} [bytes]  -> {path, version, policy}   operator
 *   secret.get       {path, version?}                          -> the bytes                 admin
 *   secret.list      {}            -> {secrets: [{path, version, policy, created, size}]}   reader
 *   secret.history   {path}        -> {versions: [...], releases: [...]}                    reader
 *   secret.rm        {path}                                    -> {path, versions}          operator
 *   policy.put       {name} [text; the front has compiled it]  -> {name, version, secrets: [..]} operator
 *   policy.list      {}  policy.get {name, version?}           -> as they say               reader
 *   policy.rm        {name}        refused while a secret names it                          operator
 *   reference.put    {name, signer?, expires?} [document]      -> {name, version}           operator
 *   reference.list   {}  reference.get {name}  reference.rm {name}
 *   collateral.put   {items: [{name, size}]} [their bytes one after the other; the front has found them
 *                    genuine and newer than what is there]     -> {items: N}                operator
 *   audit.list       {since?, resource?, after?, limit?}       -> {rows: [...], next?}      reader
 *   audit.export     {after?, limit?}  rows as they are chained, with signed heads          reader
 *   admin.list       {}  admin.put {name, role} [key]  admin.rm {name}                      admin
 *   key.rotate       {what: "token" | "master"}    -> {what, kid?}                           admin
 *
 * An item of a list also has what was put with it: created, size, policy, signer, expires, role, kid.
 * key: a public one as JWK or PEM, or a certificate in PEM. An admin's key is replaced by admin.put
 * under his name. since: Unix seconds; after, next: numbers of rows; at most 1000 rows an answer.
 * audit.export: {node, rows: [{row: TEXT, hash}], heads: [JWS], jwks, next?}; see docs/audit.md.
 *
 * secret.put without policy: as the version before; a new secret is under "default".
 *
 * An admin token is a compact JWS: typ "assay-admin+jwt", kid of a key in the store, claims aud (the
 * server's node, or its audience if that is a URL), iat, exp (at most 300 s later), jti (good once), htm, htu (path, with its query),
 * and sha256 (base64url of the body's SHA-256; of nothing for no body). Verb, arguments and body must be what
 * that request says (server/admin/requests.h); "launch", "items" and the body of collateral.put are the
 * front's word. Of who is known by a certificate, all is.
 */

#endif
