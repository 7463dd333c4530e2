// The tutorial's journey in a real browser, on the shop's Swagger UI: authorize across origins,
// list users, add to the cart. Then the token that the page was given is verified by another
// language's JWT library, with the shared secret alone.
//
// node journey.mjs SHOP_URL AUTH_URL EMAIL PASSWORD_FILE TOKEN_SECRETS_FILE

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { jwtVerify } from "jose";
import { chromium } from "playwright-core";

const [shop, auth, email, passwordFile, secretsFile] = process.argv.slice(2);
const password = readFileSync(passwordFile, "utf8");
const secret = readFileSync(secretsFile, "utf8").split(",")[0].trim();

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    // A name as the public would have it: on localhost, the page leaves some things undone.
    "--host-resolver-rules=MAP shop.test 127.0.0.1",
  ],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
page.setDefaultTimeout(20_000);
const hosts = new Set();
page.on("request", (request) => {
  if (request.url().startsWith("http")) hosts.add(new URL(request.url()).origin);
});
// What the page tried and its policy forbids, and what else went wrong on it.
const complaints = [];
await page.exposeFunction("complain", (complaint) => complaints.push(complaint));
await page.addInitScript(() => {
  addEventListener("securitypolicyviolation", (event) => {
    complain(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`);
  });
});
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("console", (message) => {
  if (message.type() === "error") complaints.push(message.text());
});

try {
  await page.goto(`${shop}/docs`);
  await page.locator(".opblock").first().waitFor();

  await check("every protected call has a lock, and no other", async () => {
    const document = await (await fetch(`${shop}/openapi.json`)).json();
    const secured = Object.values(document.paths)
      .flatMap((item) => Object.values(item))
      .filter((operation) => operation.security?.length).length;
    assert.equal(await page.locator(".opblock .authorization__btn").count(), secured);
  });

  let token;
  await check("Authorize logs in at the auth service, from the shop's page", async () => {
    await page.locator(".auth-wrapper .authorize").click();
    await page.locator("#oauth_username").fill(email);
    await page.locator("#oauth_password").fill(password);
    const [answer] = await Promise.all([
      page.waitForResponse(`${auth}/login`),
      page.locator(".auth-btn-wrapper button.authorize").click(),
    ]);
    assert.equal(answer.status(), 200);
    token = (await answer.json()).access_token;
    await page.locator(".auth-btn-wrapper button", { hasText: "Logout" }).waitFor();
    await page.locator(".auth-btn-wrapper .btn-done").click();
  });

  await check("GET /user/ lists the users that the caller may see", async () => {
    const [status, users] = await execute("get", "/user/");
    assert.equal(status, 200);
    assert.deepEqual(users.map((user) => user.email), [email]);
  });

  await check("POST /cart/items adds to the cart", async () => {
    const [, products] = await execute("get", "/products/");
    const [status, item] = await execute("post", "/cart/items", {
      product_id: products[0].id,
      quantity: 1,
    });
    assert.equal(status, 201);
    assert.equal(item.product.id, products[0].id);
    const [, cart] = await execute("get", "/cart/");
    assert.equal(cart.items[0].id, item.id);
  });

  await check("the page needs nothing from anywhere else", async () => {
    assert.deepEqual([...hosts].sort(), [shop, auth].sort());
  });

  await check("nor under a public name, and the auth service's page does not either", async () => {
    const port = new URL(shop).port;
    for (const origin of [`http://shop.test:${port}`, auth]) {
      hosts.clear();
      await page.goto(`${origin}/docs/`);
      await page.locator(".opblock").first().waitFor();
      await page.waitForLoadState("networkidle");
      assert.deepEqual([...hosts], [origin]);
    }
  });

  await check("its policy forbids nothing that it tries, and nothing else goes wrong", async () => {
    assert.deepEqual(complaints, []);
  });

  await check("its policy forbids what somebody could slip into it", async () => {
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.slippedIn = true";
      document.body.append(script);
    });
    assert.equal(await page.evaluate(() => window.slippedIn), undefined);
    assert.ok(complaints.some((complaint) => complaint.startsWith("script-src-elem inline")));
  });

  await check("another language's JWT library verifies the token with the shared secret", async () => {
    const { payload, protectedHeader } = await jwtVerify(token, new TextEncoder().encode(secret), {
      algorithms: ["HS256"],
      audience: "shop",
      issuer: auth,
      typ: "at+jwt",
      requiredClaims: ["sub", "client_id", "iat", "exp", "jti", "scope", "email"],
    });
    assert.equal(payload.email, email);
    assert.ok(protectedHeader.kid);
    const wrong = new TextEncoder().encode(secret.replace(/^./, (first) => (first === "A" ? "B" : "A")));
    await assert.rejects(jwtVerify(token, wrong));
  });
} catch (error) {
  await page.screenshot({ path: "journey-failed.png" });
  throw error;
} finally {
  await browser.close();
}

async function check(sentence, steps) {
  await steps();
  console.log(`ok: ${sentence}`);
}

// Opens a call, tries it out, and gives what the page shows: status and body.
async function execute(method, path, body) {
  const block = page
    .locator(`.opblock-${method}`)
    .filter({ has: page.locator(`[data-path="${path}"]`) });
  if ((await block.locator(".opblock-body").count()) === 0) {
    await block.locator(".opblock-summary-control").click();
  }
  // The page fills an opened call in its own time: only then is it known whether it was tried out.
  const tryOut = block.getByRole("button", { name: "Try it out" });
  const run = block.getByRole("button", { name: "Execute" });
  await tryOut.or(run).first().waitFor();
  if (await tryOut.isVisible()) await tryOut.click();
  if (body) await block.locator("textarea.body-param__text").fill(JSON.stringify(body));
  const [answer] = await Promise.all([
    page.waitForResponse((response) => new URL(response.url()).pathname === path),
    run.click(),
  ]);
  const shown = block.locator(".live-responses-table .response-col_status").last();
  await shown.waitFor();
  assert.equal(parseInt(await shown.innerText()), answer.status());
  return [answer.status(), await answer.json()];
}
