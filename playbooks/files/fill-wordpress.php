<?php
// Installs WordPress for the site named on the command line and fills it, once. Prints the password of
// the account that is planted in it: with it a drill signs in to what it has restored.
$site = $argv[1];
$_SERVER['HTTP_HOST'] = $_SERVER['SERVER_NAME'] = $site;
$_SERVER['REQUEST_URI'] = '/';
define('WP_INSTALLING', true);
define('WP_SITEURL', "http://$site");
define('WP_HOME', "http://$site");
require '/usr/share/wordpress/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/image.php';
if (is_blog_installed()) {
    exit;
}
add_filter('pre_wp_mail', '__return_true');  // nobody is written to
wp_install('Exemple SAS', 'admin', "admin@$site", false, '', wp_generate_password(24));
$password = wp_generate_password(24, false);
wp_insert_user(['user_login' => 'pradrill', 'user_pass' => $password, 'role' => 'author',
    'user_email' => "pradrill@$site"]);
switch_theme('twentytwentythree');  // the one that Debian 12 and 13 both have
$posts = [
    'Le plan de reprise est révisé' => 'La version 3 du plan est approuvée par la direction.',
    'Backups are copies, recoveries are proofs' => 'A copy that nobody restored proves nothing.',
    'Maintenance du pare-feu jeudi soir' => 'Coupure prévue de vingt minutes à partir de 22 h.',
    'New colleagues in the Lyon office' => 'Welcome to Inès, Marc and Thuy, who join support.',
    'Exercice de reprise trimestriel' => 'Le prochain exercice aura lieu la première semaine.',
    'The winter catalogue is online' => 'One hundred and twelve new references since Monday.',
];
foreach ($posts as $title => $text) {
    wp_insert_post(['post_title' => $title, 'post_content' => $text, 'post_status' => 'publish']);
}
$picture = imagecreatetruecolor(640, 360);
for ($x = 0; $x < 640; $x += 8) {
    $colour = imagecolorallocate($picture, 20 + $x / 4, random_int(60, 120), 200 - $x / 5);
    imagefilledrectangle($picture, $x, 180 - random_int(0, 150), $x + 7, 359, $colour);
}
$uploads = wp_upload_dir();
$file = $uploads['path'] . '/office.png';
imagepng($picture, $file);
$attachment = wp_insert_attachment(
    ['post_title' => 'Office', 'post_mime_type' => 'image/png', 'post_status' => 'inherit',
     'guid' => $uploads['url'] . '/office.png'],
    $file
);
update_post_meta($attachment, 'pradrill_sha256', hash_file('sha256', $file));
echo $password;
