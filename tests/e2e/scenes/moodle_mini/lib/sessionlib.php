<?php
// Who asks: sessions are rows, as with Moodle's \core\session\database.

function session(): array
{
    static $session = null;
    if ($session !== null) {
        return $session;
    }
    $found = rows('SELECT sid, userid, sessdata FROM {sessions} WHERE sid = ?', [$_COOKIE['MoodleSession'] ?? '']);
    $session = $found[0] ?? null;
    if ($session === null) {
        $session = new_session(0);
    }
    return $session;
}

function new_session(int $user): array
{
    global $CFG;
    $session = ['sid' => bin2hex(random_bytes(16)), 'userid' => $user, 'sessdata' => bin2hex(random_bytes(5))];
    run('INSERT INTO {sessions} (sid, userid, sessdata, timecreated, timemodified) VALUES (?, ?, ?, ?, ?)',
        [...array_values($session), time(), time()]);
    setcookie('MoodleSession', $session['sid'], ['path' => '/', 'httponly' => true]);
    return $session;
}

function sesskey(): string
{
    return session()['sessdata'];
}

function require_sesskey(): void
{
    if (($_REQUEST['sesskey'] ?? '') !== sesskey()) {
        fail(403, 'Your session has most likely timed out. Please log in again.');
    }
}

function require_login(?int $course = null): int
{
    global $CFG;
    $user = (int) session()['userid'];
    if (!$user) {
        go('/login/index.php');
    }
    if ($course !== null && !rows('SELECT 1 FROM {enrol} e JOIN {user_enrolments} u ON u.enrolid = e.id
            WHERE e.courseid = ? AND u.userid = ?', [$course, $user])) {
        go("/enrol/index.php?id=$course");
    }
    return $user;
}

function context(int $level, int $instance): int
{
    $found = rows('SELECT id FROM {context} WHERE contextlevel = ? AND instanceid = ?', [$level, $instance]);
    return (int) ($found[0]['id'] ?? fail(404, "Can't find data record in database table context."));
}

function note(string $event, int $user, int $course = 0): void
{
    run("INSERT INTO {logstore_standard_log} (eventname, component, action, target, crud, edulevel, contextid,
        contextlevel, contextinstanceid, userid, courseid, timecreated, origin)
        VALUES (?, 'core', 'viewed', 'course', 'r', 0, 1, 50, 1, ?, ?, ?, 'web')", [$event, $user, $course, time()]);
}

function send_stored_file(array $file): never
{
    global $CFG;
    $hash = $file['contenthash'];
    $path = "$CFG->dataroot/filedir/" . substr($hash, 0, 2) . '/' . substr($hash, 2, 2) . "/$hash";
    if (!is_readable($path)) {
        fail(404, 'Sorry, the requested file could not be found');
    }
    header('Content-Type: ' . ($file['mimetype'] ?: 'application/octet-stream'));
    readfile($path);
    exit;
}

function stored_file(int $context, string $component, string $area, int $item, string $name): ?array
{
    $path = sha1("/$context/$component/$area/$item/$name");
    return rows('SELECT * FROM {files} WHERE pathnamehash = ?', [$path])[0] ?? null;
}

function go(string $path): never
{
    global $CFG;
    http_response_code(303);
    header("Location: $CFG->wwwroot$path");
    exit;
}

function fail(int $code, string $text): never
{
    http_response_code($code);
    echo htmlspecialchars($text);
    exit;
}

function page(string $title, string $content): void
{
    global $CFG;
    $out = session()['userid'] ? "<a href=\"$CFG->wwwroot/login/logout.php?sesskey=" . sesskey() . '">Log out</a>' : '';
    echo "<!DOCTYPE html>\n<html lang=\"en\"><head><title>" . htmlspecialchars($title) . "</title></head><body>$out\n"
        . "<script>M.cfg = {\"sesskey\":\"" . sesskey() . "\"};</script>\n$content\n</body></html>\n";
}
