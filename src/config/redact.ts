// The last guard of messages: a key that slipped into the place of a name would be quoted as one.

/** What a key looks like: a known beginning, or a long run of letters and digits. Names of variables are upper case. */
const SECRET =
  /(?:sk|pk|gsk|xai|hf|ghp|nvapi)[-_][\w-]{12,}|AIza[\w-]{20,}|eyJ[\w-]{10,}[\w.-]*|(?=\w*\d)(?=\w*[a-z])\w{30,}/g;

export function withoutSecrets(text: string): string {
  return text.replaceAll(SECRET, '(hidden)');
}
