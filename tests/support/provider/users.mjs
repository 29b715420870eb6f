/*
 * The three people of the demo, who also are the usual cast of the tests. Their
 * subjects never change, so that a session or a log line can be recognised.
 * "strong" is a second way to sign in, offered beside the plain one; its acr is that of
 * phishing-resistant, hardware-protected sign-in (OpenID EAP ACR Values).
 */
export const users = [
  {
    login: 'ada', title: 'engineer', amr: ['pwd'], acr: '1',
    strong: { label: 'with a security key', amr: ['pwd', 'hwk', 'mfa'], acr: 'phrh' },
    claims: {
      sub: 'user-ada-5f0c2a', name: 'Ada', preferred_username: 'ada',
      email: 'ada@example.com', email_verified: true, groups: ['eng'],
    },
  },
  {
    login: 'cory', title: 'contractor', amr: ['pwd'], acr: '1',
    claims: {
      sub: 'user-cory-91be07', name: 'Cory', preferred_username: 'cory',
      email: 'cory@partner.example', email_verified: true, groups: ['contractors'],
    },
  },
  {
    login: 'aud', title: 'auditor', amr: ['pwd'], acr: '1',
    claims: {
      sub: 'user-aud-c43d18', name: 'Aud', preferred_username: 'aud',
      email: 'aud@example.com', email_verified: true, groups: ['audit'],
    },
  },
];
