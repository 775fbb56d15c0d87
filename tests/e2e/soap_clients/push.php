<?php
// Pushes through one of the hub's SOAP doors with PHP's own SoapClient, knowing nothing but its
// WSDL. Same command line and same output as push.js:
//
//   php push.php WSDL_URL canonical|city USER PASSWORD ARGUMENTS.json [--soap12]
//
// Prints one JSON line: {"ok": true, "result": {...}} and exits 0, or
// {"ok": false, "status": 500, "fault": {"code", "text", "detail"}} and exits 3. Anything else that
// goes wrong is told on stderr, with exit 1. SoapClient chooses the port by the SOAP version.

declare(strict_types=1);

const OPERATIONS = ['canonical' => 'PushDossiers', 'city' => 'pushDocument'];

function fail(string $sentence): never
{
    fwrite(STDERR, $sentence . PHP_EOL);
    exit(1);
}

function tell(array $answer): void
{
    echo json_encode($answer, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR), PHP_EOL;
}

function status_of(SoapClient $client): ?int
{
    $head = (string) $client->__getLastResponseHeaders();
    return preg_match('#^HTTP/\S+ (\d{3})#', $head, $found) ? (int) $found[1] : null;
}

if (!class_exists('SoapClient')) {
    fail('PHP was built without SoapClient (the package is called php-soap)');
}
$words = array_slice($argv, 1);
$soap12 = in_array('--soap12', $words, true);
$words = array_values(array_filter($words, static fn(string $word): bool => $word !== '--soap12'));
if (count($words) !== 5 || !isset(OPERATIONS[$words[1]])) {
    fail('usage: php push.php WSDL_URL canonical|city USER PASSWORD ARGUMENTS.json [--soap12]');
}
[$wsdl, $kind, $user, $password, $file] = $words;
$told = json_decode((string) file_get_contents($file), true, 512, JSON_THROW_ON_ERROR);
$options = [
    'soap_version' => $soap12 ? SOAP_1_2 : SOAP_1_1,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'exceptions' => true,
    'trace' => true,
    'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
];
if ($kind === 'canonical') {
    $options += ['login' => $user, 'password' => $password, 'authentication' => SOAP_AUTHENTICATION_BASIC];
} else {
    $told['arg0']['userName'] = $user;
    $told['arg0']['password'] = $password;
}

try {
    $client = new SoapClient($wsdl, $options);
} catch (SoapFault $error) {
    fail($error->getMessage());
}
try {
    tell(['ok' => true, 'result' => $client->__soapCall(OPERATIONS[$kind], [$told])]);
} catch (SoapFault $error) {
    $status = status_of($client);
    // Without an answer the "fault" is SoapClient's own: no connection, no XML.
    if ($status === null || $error->faultcode === 'HTTP') {
        fail($error->getMessage());
    }
    $fault = ['code' => $error->faultcode, 'text' => $error->faultstring, 'detail' => $error->detail ?? null];
    tell(['ok' => false, 'status' => $status, 'fault' => $fault]);
    exit(3);
}
