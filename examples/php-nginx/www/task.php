<?php
echo 'the task says ', getenv('GREETING'), "\n";
