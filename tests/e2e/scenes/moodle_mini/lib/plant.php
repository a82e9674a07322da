<?php
// What playbooks/files/plant-moodle does with Moodle's own functions.
define('CLI_SCRIPT', true);
require __DIR__ . '/../config.php';
$password = 'Aa1-' . bin2hex(random_bytes(16));
function add(string $table, array $fields): int
{
    $names = implode(', ', array_keys($fields));
    run("INSERT INTO {{$table}} ($names) VALUES (" . implode(', ', array_fill(0, count($fields), '?')) . ')', array_values($fields));
    return (int) rows("SELECT MAX(id) AS id FROM {{$table}}")[0]['id'];
}
$user = add('user', ['confirmed' => 1, 'username' => 'pradrill', 'password' => password_hash($password, PASSWORD_BCRYPT),
    'firstname' => 'Recovery', 'lastname' => 'Drill', 'email' => 'pradrill@invalid.example']);
add('context', ['contextlevel' => 30, 'instanceid' => $user]);
$course = add('course', ['fullname' => 'Recovery drill, épreuve de reprise', 'shortname' => 'pradrill', 'timecreated' => time()]);
add('context', ['contextlevel' => 50, 'instanceid' => $course]);
$resource = add('resource', ['course' => $course, 'name' => 'A file']);
$module = (int) rows("SELECT id FROM {modules} WHERE name = 'resource'")[0]['id'];
$module = add('course_modules', ['course' => $course, 'module' => $module, 'instance' => $resource]);
$context = add('context', ['contextlevel' => 70, 'instanceid' => $module]);
$bytes = random_bytes(20000);
$hash = sha1($bytes);
$folder = "$CFG->dataroot/filedir/" . substr($hash, 0, 2) . '/' . substr($hash, 2, 2);
is_dir($folder) || mkdir($folder, 0777, true);
file_put_contents("$folder/$hash", $bytes);
add('files', ['contenthash' => $hash, 'pathnamehash' => sha1("/$context/mod_resource/content/0/drill.bin"),
    'contextid' => $context, 'component' => 'mod_resource', 'filearea' => 'content', 'itemid' => 0, 'filepath' => '/',
    'filename' => 'drill.bin', 'filesize' => 20000, 'timecreated' => time(), 'timemodified' => time()]);
$enrol = add('enrol', ['enrol' => 'manual', 'courseid' => $course]);
add('user_enrolments', ['enrolid' => $enrol, 'userid' => $user]);
echo $password;
