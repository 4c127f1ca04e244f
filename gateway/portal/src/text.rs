//! Every text of every page, in English and Spanish, side by side. `{}` stands for a word that is filled in.
//!
//! A text cannot lack a language, since a row has two; a test holds that both say something, fill in the same, and differ.

use fhir::ResourceType;
use fhir::outcome::IssueCode;
use smart::parts::Part;
use smart::{ErrorCode, Locale, Mishap};

/// The catalogue: key, English, Spanish.
macro_rules! texts {
    ($($key:ident: $english:literal, $spanish:literal;)*) => {
        /// A text of a page.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Text { $($key),* }

        impl Text {
            #[cfg(test)]
            pub(crate) const ALL: &[Text] = &[$(Text::$key),*];

            /// The text in a language.
            pub(crate) fn say(self, locale: Locale) -> &'static str {
                match (self, locale) {
                    $((Text::$key, Locale::English) => $english, (Text::$key, Locale::Spanish) => $spanish,)*
                }
            }
        }
    };
}

texts! {
    LanguageName: "English", "Español";
    Languages: "Language", "Idioma";
    SkipToContent: "Skip to the content", "Saltar al contenido";
    ProductName: "Sluice", "Sluice";
    Footer: "Health records leave this server only through one gate, and every disclosure is recorded.",
        "Los datos de salud salen de este servidor por una sola puerta, y cada entrega queda registrada.";
    ErrorTitle: "Error: {}", "Error: {}";
    ProblemHeading: "There is a problem", "Hay un problema";

    SignIn: "Sign in", "Iniciar sesión";
    SignInFor: "to continue to {}", "para continuar con {}";
    SignInOnlyHere: "You are signing in to your health record here. The app never sees your password.",
        "Inicia sesión en su expediente de salud aquí. La aplicación nunca ve su contraseña.";
    Username: "User name", "Nombre de usuario";
    Password: "Password", "Contraseña";
    SignInWrong: "The user name or the password is not right. Check both and try again.",
        "El nombre de usuario o la contraseña no son correctos. Revise ambos e inténtelo de nuevo.";
    SignInEmpty: "Enter your user name and your password.", "Escriba su nombre de usuario y su contraseña.";
    SignInTooMany: "There were too many tries. Wait a minute, then try again.",
        "Hubo demasiados intentos. Espere un minuto e inténtelo de nuevo.";
    SignInBusy: "The server is busy. Try again in a moment.", "El servidor está ocupado. Inténtelo de nuevo en un momento.";
    Cancel: "Cancel and go back to the app", "Cancelar y volver a la aplicación";

    SignInOwn: "to look after your account", "para cuidar de su cuenta";
    SignInOwnLead: "Here you see who has seen your record, stop apps, and end sign-ins that you do not know.",
        "Aquí puede ver quién vio su expediente, detener aplicaciones y cerrar sesiones que no conozca.";
    SignInStale: "This page was open for too long. Try again.", "Esta página estuvo abierta demasiado tiempo. Inténtelo de nuevo.";
    SignOut: "Sign out", "Cerrar sesión";
    SignInAgain: "Sign in again", "Iniciar sesión de nuevo";
    YourSignIn: "Your sign-in", "Su sesión";

    AccountTitle: "Your account", "Su cuenta";
    AccountPages: "Pages of your account", "Páginas de su cuenta";
    AccountBack: "Back to your account", "Volver a su cuenta";
    AccountForClinicians: "This page is for clinicians", "Esta página es para profesionales de la salud";
    AccountForCliniciansLead: "It opens apps for patients in one’s care. Your account has none.",
        "Abre aplicaciones para los pacientes a su cargo. Su cuenta no tiene ninguno.";
    AccountForPatients: "This page is for patients", "Esta página es para pacientes";
    AccountForPatientsLead: "It shows who has seen one’s own record. Your account has none.",
        "Muestra quién ha visto el expediente propio. Su cuenta no tiene ninguno.";

    SeesNoRecords: "This account sees no patient’s record", "Esta cuenta no ve el expediente de ningún paciente";
    SeesNoRecordsLead: "It looks after this server. Privacy officers, administrators and integrators open no patient’s record here.",
        "Se ocupa de este servidor. Los responsables de privacidad, administradores e integradores no abren aquí el expediente de ningún paciente.";
    SignInWith: "Sign in with {}", "Iniciar sesión con {}";
    StrangerTitle: "You cannot go on here", "No puede continuar aquí";
    StrangerLead: "Your sign-in worked, but it is not set up for this server. Ask the people who run it.",
        "Su inicio de sesión funcionó, pero no está configurado para este servidor. Pregunte a quienes lo administran.";
    ProviderFailedTitle: "The sign-in did not work", "No se pudo iniciar sesión";
    ProviderFailedLead: "Nobody was signed in. Start again from the app or from the sign-in page.",
        "No se inició ninguna sesión. Empiece de nuevo desde la aplicación o la página de inicio de sesión.";

    RecoverLink: "I forgot my password", "Olvidé mi contraseña";
    RecoverTitle: "Set another password", "Establecer otra contraseña";
    RecoverLead: "The people who run this server can give you a code. It works once, for one hour.",
        "Quienes administran este servidor pueden darle un código. Sirve una sola vez, durante una hora.";
    RecoverCode: "Code that you were given", "Código que le dieron";
    RecoverNew: "New password", "Contraseña nueva";
    RecoverNewHow: "At least {} characters. A few words that only you put together are easy to keep in mind.",
        "Al menos {} caracteres. Unas palabras que solo usted juntaría son fáciles de recordar.";
    RecoverSecond: "Code of your second step, if you switched it on", "Código de su segundo paso, si lo activó";
    RecoverDo: "Set the password", "Establecer la contraseña";
    RecoverNote: "Every browser that is signed in as you is signed out.", "Se cierra la sesión en todos sus navegadores.";
    RecoverWrong: "That is not right, or the code has run out or was used. Check everything, or ask for a new code.",
        "Algo no es correcto, o el código caducó o ya se usó. Revise todo o pida un código nuevo.";
    RecoverEmpty: "Enter your user name, the code and a new password.", "Escriba su nombre de usuario, el código y una contraseña nueva.";
    RecoverShort: "The new password needs at least {} characters.", "La contraseña nueva necesita al menos {} caracteres.";
    RecoveredTitle: "Your password was changed", "Se cambió su contraseña";
    RecoveredLead: "Every browser was signed out. Sign in with the new password.",
        "Se cerró la sesión en todos los navegadores. Inicie sesión con la contraseña nueva.";

    WhoseTitle: "Whose record", "De quién es el expediente";
    WhoseLead: "Choose one of those whom you act for.", "Elija a una de las personas a las que representa.";

    SessionsTitle: "Where you are signed in", "Dónde tiene la sesión abierta";
    SessionsAbout: "See every browser that is signed in as you, and end what you do not know.",
        "Vea cada navegador con su sesión abierta y cierre los que no conozca.";
    SessionsLead: "If there is one that you do not know, end it and have your password changed.",
        "Si hay alguno que no conozca, ciérrelo y pida que cambien su contraseña.";
    SessionHere: "This browser", "Este navegador";
    SessionBrowser: "{} on", "{} en";
    SessionBrowserOther: "Unknown browser", "Navegador desconocido";
    SessionSystemOther: "another system", "otro sistema";
    SessionSince: "Signed in", "Inicio de sesión";
    SessionUsed: "Last used", "Último uso";
    SessionNetwork: "Network", "Red";
    SessionEnd: "End this sign-in", "Cerrar esta sesión";
    SessionEndOthers: "End all other sign-ins", "Cerrar todas las demás sesiones";
    SessionNoOthers: "You are signed in nowhere else.", "No tiene la sesión abierta en ningún otro lugar.";
    SessionEnded: "Done. That sign-in is over.", "Listo. Esa sesión está cerrada.";
    SessionEndedOthers: "Done. You are signed in here and nowhere else.", "Listo. Tiene la sesión abierta aquí y en ningún otro lugar.";

    AppsTitle: "Apps that may see your record", "Aplicaciones que pueden ver su expediente";
    AppsAbout: "See what each app may read and has read, and stop it.", "Vea qué puede leer y qué ha leído cada aplicación, y deténgala.";
    SystemsTitle: "Systems of this house", "Sistemas de esta institución";
    SystemsLead: "They may read every record here without asking each patient, only for what is named and only what that needs. What they read of yours stands under “Who saw your record”.",
        "Pueden leer todos los expedientes de aquí sin preguntar a cada paciente, solo para lo que se indica y solo lo que eso requiere. Lo que leen del suyo aparece en «Quién vio su expediente».";
    AppsNone: "No app may see your record.", "Ninguna aplicación puede ver su expediente.";
    AppMaySee: "It may see", "Puede ver";
    AppSince: "Since", "Desde";
    AppUntil: "Until", "Hasta";
    AppRenews: "It can extend that each time it is used.", "Puede prolongarlo cada vez que se use.";
    AppGone: "This app is no longer registered here.", "Esta aplicación ya no está registrada aquí.";
    AppStop: "Stop {}", "Detener {}";
    AppStopNote: "It gets nothing more from the moment you stop it. What it already has stays with it; ask the app itself to delete that.",
        "Desde que la detenga no recibe nada más. Lo que ya tiene se queda con ella; pida a la propia aplicación que lo borre.";
    AppStopped: "Done. The app gets nothing more from your record. What it already has stays with it.",
        "Listo. La aplicación no recibe nada más de su expediente. Lo que ya tiene se queda con ella.";

    AppRead: "What it read last", "Lo último que leyó";
    AppReadNothing: "Nothing lately.", "Nada últimamente.";
    AppReadUnknown: "What it read cannot be shown at the moment. You can stop it all the same.",
        "En este momento no se puede mostrar lo que leyó. Puede detenerla de todos modos.";

    SeenTitle: "Who saw your record", "Quién vio su expediente";
    SeenAbout: "See every time that something of your record was shown: to whom, why, and what.",
        "Vea cada vez que se mostró algo de su expediente: a quién, por qué y qué.";
    SeenLead: "Every time that something of your record left this server, the newest first. Your own looks are here as well.",
        "Cada vez que algo de su expediente salió de este servidor, lo más reciente primero. También están las veces que usted mismo lo consultó.";
    SeenNone: "Nothing more was shown.", "No se mostró nada más.";
    SeenNoneHere: "Nothing was shown in this stretch of time. Look further back.",
        "No se mostró nada en este período. Busque más atrás.";
    SeenOlder: "Older", "Anteriores";
    SeenNewest: "Back to the newest", "Volver a lo más reciente";
    SeenFile: "Download this list as a file", "Descargar esta lista como archivo";
    SeenFileNote: "From here on into the past, up to {} entries, as FHIR AuditEvents, one in a line.",
        "Desde aquí hacia el pasado, hasta {} entradas, como AuditEvent de FHIR, una por línea.";
    SeenBy: "By the app {}", "Con la aplicación {}";
    SeenByPortal: "On the pages of this server", "En las páginas de este servidor";
    SeenWhy: "Why", "Motivo";
    SeenWhat: "What", "Qué";
    SeenYou: "You", "Usted";
    SeenPatient: "The patient", "El paciente";
    SeenTitleOf: "Who saw the record", "Quién vio el expediente";
    SeenClinician: "A clinician", "Un profesional de salud";
    SeenRepresentative: "A representative", "Un representante";
    SeenOperator: "Someone who runs this server", "Alguien que administra este servidor";
    SeenSomeone: "Someone", "Alguien";
    SeenMessage: "A message about you from a laboratory, whole", "Un mensaje completo de un laboratorio sobre usted";
    PurposeTreatment: "To treat you", "Para su atención médica";
    PurposePayment: "To pay for your care", "Para pagar su atención";
    PurposeRequest: "At the patient’s request", "A petición del paciente";
    PurposeOperations: "To keep this service running", "Para que este servicio funcione";
    PurposeOther: "Another reason", "Otro motivo";

    CodeTitle: "Enter your code", "Escriba su código";
    CodeLead: "One more step: enter the code that your authenticator app shows.",
        "Falta un paso: escriba el código que muestra su aplicación de autenticación.";
    CodeLabel: "Code", "Código";
    CodeRecovery: "Without the app at hand, enter one of your recovery codes. Each works once.",
        "Si no tiene la aplicación a mano, escriba uno de sus códigos de recuperación. Cada uno sirve una sola vez.";
    CodeWrong: "That is not right, or the code was used already. Wait for the next code and try again.",
        "No es correcto, o el código ya se usó. Espere el siguiente código e inténtelo de nuevo.";
    CodeTooMany: "There were too many wrong codes. Try again in an hour.",
        "Hubo demasiados códigos incorrectos. Inténtelo de nuevo en una hora.";

    SecondTitle: "A second step at sign-in", "Un segundo paso al iniciar sesión";
    SecondAbout: "Ask for a code from your telephone as well, so that a password alone opens nothing.",
        "Pedir también un código de su teléfono, para que la contraseña sola no abra nada.";
    SecondLead: "With an authenticator app on your telephone, signing in takes a code as well. Someone who learns your password then still cannot get in.",
        "Con una aplicación de autenticación en su teléfono, iniciar sesión pide además un código. Así, quien conozca su contraseña tampoco podrá entrar.";
    SecondBegin: "Set it up", "Configurarlo";
    SecondBegunLeadAlone: "Add this to your authenticator app. Then enter the code that it shows.",
        "Añada esto a su aplicación de autenticación. Luego escriba el código que muestre.";
    SecondBegunLead: "Add this to your authenticator app. Then enter the code that it shows, and your password.",
        "Añada esto a su aplicación de autenticación. Luego escriba el código que muestre y su contraseña.";
    SecondSecret: "Setup key", "Clave de configuración";
    SecondLink: "Open it in an authenticator app on this device", "Abrirla en una aplicación de autenticación de este dispositivo";
    SecondConfirm: "Switch it on", "Activarlo";
    SecondIsOn: "It is on: signing in takes your password and a code.", "Está activado: iniciar sesión pide su contraseña y un código.";
    SecondRecoveryLeft: "Recovery codes left: {}", "Códigos de recuperación restantes: {}";
    SecondOff: "Switch it off", "Desactivarlo";
    SecondTakenOff: "It was switched off for you by someone who runs this server, on",
        "Fue desactivado por alguien que administra este servidor, el";
    SecondOnTitle: "The second step is on", "El segundo paso está activado";
    SecondOnLead: "From now on signing in takes a code as well. All other browsers were signed out.",
        "Desde ahora iniciar sesión pide también un código. Se cerró la sesión en todos los demás navegadores.";
    SecondRecovery: "Recovery codes", "Códigos de recuperación";
    SecondRecoveryLead: "Write these down and keep them apart from your telephone. Each opens your account once, and they are not shown again.",
        "Anótelos y guárdelos lejos de su teléfono. Cada uno abre su cuenta una sola vez, y no se muestran de nuevo.";
    SecondRecoveryKept: "I have kept them", "Ya los guardé";

    LaunchTitle: "Open an app for a patient", "Abrir una aplicación para un paciente";
    LaunchAbout: "Choose an app and a patient in your care. The app opens with that patient.",
        "Elija una aplicación y un paciente a su cargo. La aplicación se abre con ese paciente.";
    LaunchApps: "Apps", "Aplicaciones";
    LaunchOpen: "Open the app", "Abrir la aplicación";
    LaunchNote: "You are asked what the app may see before it is told whom it is about.",
        "Se le pregunta qué puede ver la aplicación antes de decirle de quién se trata.";
    LaunchNoApps: "No app can be opened from here.", "Desde aquí no se puede abrir ninguna aplicación.";
    LaunchFailed: "The app could not be opened. The patient may have left your care, or the app was switched off. Choose again.",
        "No se pudo abrir la aplicación. Quizá el paciente ya no está a su cargo, o la aplicación se desactivó. Elija de nuevo.";

    ChooseTitle: "Choose a patient", "Elija un paciente";
    ChooseFor: "{} will see only the patient you choose.", "{} verá solamente al paciente que usted elija.";
    ChooseLegend: "Patients in your care", "Pacientes a su cargo";
    ChooseNone: "There is no patient to choose from.", "No hay pacientes para elegir.";
    Born: "born {}", "nacimiento: {}";
    NoName: "No name on record", "Sin nombre registrado";
    Continue: "Continue", "Continuar";

    ConsentTitleOwn: "{} asks to see your health record", "{} pide ver su expediente de salud";
    ConsentTitlePatient: "{} asks to see a patient’s record", "{} pide ver el expediente de un paciente";
    ConsentTitleInCare: "{} asks to see the records of your patients", "{} pide ver los expedientes de sus pacientes";
    ConsentWhy: "What for", "Para qué";
    ConsentTreatment: "Treatment", "Atención médica";
    ConsentPayment: "Payment for care", "Pago de la atención";
    WhoseRecords: "Whose records", "De quién son los expedientes";
    ItemInCare: "All patients in my care", "Todos los pacientes a mi cargo";
    InCareAll: "The app would see all of the above of every patient in your care.",
        "La aplicación vería todo lo anterior de cada paciente a su cargo.";
    InCareSome: "The app would see this of every patient in your care: {}.",
        "La aplicación vería esto de cada paciente a su cargo: {}.";
    InCareNow: "Whoever comes into your care is seen as well, and whoever leaves it no longer.",
        "También verá a quien pase a estar a su cargo, y ya no a quien deje de estarlo.";
    InCareElsePatient: "Unticked, it sees only the patient named above.", "Si lo desmarca, ve solo al paciente nombrado arriba.";
    InCareElseNothing: "Unticked, it sees no patient’s record.", "Si lo desmarca, no ve el expediente de ningún paciente.";
    Owner: "From {}", "De {}";
    AnswersTo: "The answer goes to {}", "La respuesta se envía a {}";
    Terms: "Terms of use of the app", "Condiciones de uso de la aplicación";
    SignedInAs: "Signed in as {}", "Sesión iniciada como {}";
    OtherAccount: "Use another account", "Usar otra cuenta";
    PatientLabel: "Patient", "Paciente";
    OtherPatient: "Choose another patient", "Elegir otro paciente";
    ConsentLead: "Untick what you do not want to share. The app gets only what stays ticked, and it is told what that is.",
        "Desmarque lo que no quiera compartir. La aplicación recibe solo lo que quede marcado, y se le dice qué es.";
    WhatRecords: "What the app may read", "Lo que la aplicación podrá leer";
    WhatElse: "What the app is told", "Lo que se le dice a la aplicación";
    AlwaysTold: "The app is also told the number by which this server knows the record.",
        "También se le dice el número con el que este servidor identifica el expediente.";
    ToldContext: "The app was opened from a chart. It is also told which visit and which records were open there.",
        "La aplicación se abrió desde un expediente. También se le dice qué visita y qué datos estaban abiertos allí.";
    HowLong: "For how long", "Durante cuánto tiempo";
    HowLongOnce: "Access ends in one hour.", "El acceso termina en una hora.";
    ItemOffline: "Keep access when I am not there", "Mantener el acceso cuando no estoy";
    ItemOfflineDetail: "Until it is stopped, or until the app has not used it for 100 days. Unticked, access ends in one hour.",
        "Hasta que se detenga, o hasta que la aplicación no lo use durante 100 días. Si lo desmarca, el acceso termina en una hora.";
    ItemOnline: "Keep access while I am signed in", "Mantener el acceso mientras tenga la sesión abierta";
    ItemOnlineDetail: "Until you sign out here, or the app has not been used for half an hour. Unticked, access ends in one hour.",
        "Hasta que cierre la sesión aquí, o hasta que la aplicación no se use durante media hora. Si lo desmarca, el acceso termina en una hora.";
    ItemIdentity: "Who I am", "Quién soy";
    ItemIdentityDetail: "That it is you who signed in, with your entry as a person in the record.",
        "Que es usted quien inició sesión, con su ficha de persona en el expediente.";
    ItemWhichPatient: "Which record it is about", "De qué expediente se trata";
    ItemWhichPatientDetail: "The number of the record, and nothing of what is in it.",
        "El número del expediente, y nada de lo que contiene.";
    ConsentCare: "What the app has read stays with it, even if you stop sharing later. Allow only apps that you trust.",
        "Lo que la aplicación ya leyó se queda con ella, aunque después deje de compartir. Permita solo aplicaciones de confianza.";
    PartsInstead: "Share only a part of this", "Compartir solo una parte";
    PartsHow: "Untick the line above, then tick the parts to share.",
        "Desmarque la línea de arriba y marque las partes que quiera compartir.";
    PartOf: "Only this part of: {}", "Solo esta parte de: {}";
    PartOther: "A part that the app describes itself", "Una parte que describe la propia aplicación";
    PartProblemList: "Problem list", "Lista de problemas";
    PartProblemListDetail: "Health problems that are followed over time", "Problemas de salud con seguimiento";
    PartEncounterDiagnosis: "Diagnoses from visits", "Diagnósticos de consultas";
    PartEncounterDiagnosisDetail: "What was diagnosed at one visit or stay", "Lo diagnosticado en una consulta o estancia";
    PartHealthConcern: "Health concerns", "Preocupaciones de salud";
    PartHealthConcernDetail: "Worries and risks, by anyone in the care", "Inquietudes y riesgos, de cualquiera que atienda";
    PartLaboratory: "Laboratory results", "Resultados de laboratorio";
    PartLaboratoryDetail: "Blood, urine and other samples", "Sangre, orina y otras muestras";
    PartVitalSigns: "Vital signs", "Signos vitales";
    PartVitalSignsDetail: "Blood pressure, pulse, temperature, weight, height", "Presión, pulso, temperatura, peso, estatura";
    PartImaging: "Findings in images", "Hallazgos en imágenes";
    PartImagingDetail: "X-ray, ultrasound, scans", "Radiografía, ecografía, tomografía";
    PartClinicalTest: "Clinical tests", "Pruebas clínicas";
    PartClinicalTestDetail: "Heart tracing, breathing test and the like", "Electrocardiograma, espirometría y similares";
    PartSurvey: "Answers to questionnaires", "Respuestas a cuestionarios";
    PartSurveyDetail: "Screenings for mood, alcohol, daily living", "Sobre ánimo, alcohol, vida diaria";
    PartSocialHistory: "Habits and background", "Hábitos y antecedentes sociales";
    PartSocialHistoryDetail: "Smoking, work, pregnancy, sexual orientation", "Tabaquismo, trabajo, embarazo, orientación sexual";
    PartSdoh: "Living conditions", "Condiciones de vida";
    PartSdohDetail: "Housing, food, transport, safety", "Vivienda, alimentación, transporte, seguridad";
    NeverShared: "Psychotherapy notes are never shared here.", "Las notas de psicoterapia nunca se comparten aquí.";
    Allow: "Allow", "Permitir";
    Deny: "Don’t allow", "No permitir";

    CategoryPerson: "About the person", "Sobre la persona";
    CategoryConditions: "Health problems and allergies", "Problemas de salud y alergias";
    CategoryLabs: "Labs and measurements", "Laboratorio y mediciones";
    CategoryMedicines: "Medicines and vaccines", "Medicamentos y vacunas";
    CategoryVisits: "Visits and treatments", "Visitas y tratamientos";
    CategoryPlans: "Care plans", "Planes de atención";
    CategoryDocuments: "Documents", "Documentos";
    CategoryInsurance: "Insurance", "Seguro";
    CategoryProviders: "Doctors and places", "Profesionales y lugares";
    CategoryOrigin: "Where records come from", "Origen de los datos";
    CategoryOther: "Other records", "Otros datos";
    KindPatient: "Personal details", "Datos personales";
    KindPatientDetail: "Name, birth date, sex, address, phone", "Nombre, fecha de nacimiento, sexo, dirección, teléfono";
    KindRelatedPerson: "Family and contacts", "Familia y contactos";
    KindRelatedPersonDetail: "People who help with care", "Personas que ayudan con la atención";
    KindCondition: "Health problems", "Problemas de salud";
    KindConditionDetail: "Diagnoses, past and present", "Diagnósticos, pasados y presentes";
    KindAllergyIntolerance: "Allergies", "Alergias";
    KindAllergyIntoleranceDetail: "To medicines, food and other things, and the reactions", "A medicamentos, alimentos y otras cosas, y las reacciones";
    KindObservation: "Results and measurements", "Resultados y mediciones";
    KindObservationDetail: "Lab values, vital signs, smoking status, survey answers", "Valores de laboratorio, signos vitales, tabaquismo, respuestas a encuestas";
    KindDiagnosticReport: "Reports", "Informes";
    KindDiagnosticReportDetail: "Lab reports, imaging and other findings", "Informes de laboratorio, imágenes y otros hallazgos";
    KindSpecimen: "Samples", "Muestras";
    KindSpecimenDetail: "Blood, tissue and others that were tested", "Sangre, tejidos y otras que se analizaron";
    KindMedicationRequest: "Prescriptions", "Recetas";
    KindMedicationRequestDetail: "Medicines ordered, and how to take them", "Medicamentos indicados y cómo tomarlos";
    KindMedicationDispense: "Medicines handed out", "Medicamentos entregados";
    KindMedicationDispenseDetail: "What the pharmacy gave, and when", "Lo que entregó la farmacia, y cuándo";
    KindMedication: "Details of medicines", "Detalles de los medicamentos";
    KindMedicationDetail: "Ingredients and strength", "Ingredientes y dosis";
    KindImmunization: "Vaccines", "Vacunas";
    KindImmunizationDetail: "Which, when, and which lot", "Cuáles, cuándo y de qué lote";
    KindEncounter: "Visits", "Visitas";
    KindEncounterDetail: "Office visits, hospital stays, emergencies", "Consultas, hospitalizaciones, urgencias";
    KindProcedure: "Procedures", "Procedimientos";
    KindProcedureDetail: "Operations and treatments", "Operaciones y tratamientos";
    KindServiceRequest: "Orders", "Órdenes";
    KindServiceRequestDetail: "Tests, treatments and referrals that were asked for", "Pruebas, tratamientos y derivaciones solicitados";
    KindDevice: "Implants", "Implantes";
    KindDeviceDetail: "Pacemakers, joints and other devices", "Marcapasos, prótesis y otros dispositivos";
    KindCarePlan: "Plans", "Planes";
    KindCarePlanDetail: "What was agreed to be done", "Lo que se acordó hacer";
    KindCareTeam: "Care team", "Equipo de atención";
    KindCareTeamDetail: "Who takes part in care", "Quiénes participan en la atención";
    KindGoal: "Goals", "Metas";
    KindGoalDetail: "What is to be reached", "Lo que se quiere lograr";
    KindDocumentReference: "Notes and documents", "Notas y documentos";
    KindDocumentReferenceDetail: "Clinical notes, letters, summaries", "Notas clínicas, cartas, resúmenes";
    KindBinary: "Files", "Archivos";
    KindBinaryDetail: "The files that documents consist of", "Los archivos que componen los documentos";
    KindCoverage: "Insurance", "Seguro médico";
    KindCoverageDetail: "Plan, member number, dates", "Plan, número de afiliación, fechas";
    KindPractitioner: "Doctors and nurses", "Médicos y enfermeros";
    KindPractitionerDetail: "Names of those who took part in care", "Nombres de quienes participaron en la atención";
    KindPractitionerRole: "Their roles", "Sus funciones";
    KindPractitionerRoleDetail: "Specialty and workplace", "Especialidad y lugar de trabajo";
    KindOrganization: "Clinics and laboratories", "Clínicas y laboratorios";
    KindOrganizationDetail: "Name and address", "Nombre y dirección";
    KindLocation: "Places", "Lugares";
    KindLocationDetail: "Where care took place", "Dónde se dio la atención";
    KindProvenance: "Sources", "Fuentes";
    KindProvenanceDetail: "Who entered a record, and when", "Quién ingresó un dato, y cuándo";
    KindAuditEvent: "The list of who saw the record", "La lista de quién vio el expediente";
    KindAuditEventDetail: "What was shown, to whom, and why", "Qué se mostró, a quién y por qué";
    KindOther: "Records of another kind", "Datos de otro tipo";

    UnfitTitle: "This app cannot go on with this account", "La aplicación no puede continuar con esta cuenta";
    UnfitPatients: "{} is not registered for use by patients.", "{} no está registrada para pacientes.";
    UnfitClinicians: "{} is not registered for use by clinicians.", "{} no está registrada para profesionales de la salud.";
    UnfitPurpose: "{} asks for a purpose that people in your role do not ask for. Tell whoever looks after the app.",
        "{} pide los datos con un fin que no corresponde a su función. Avise a quien se ocupa de la aplicación.";
    UnfitNobody: "{} needs a patient, and there is none here for whom you may ask.",
        "{} necesita un paciente, y aquí no hay ninguno por quien usted pueda preguntar.";
    UnfitSeesNoRecords: "{} asks for a patient’s record. Your account looks after this server and opens none.",
        "{} pide el expediente de un paciente. Su cuenta se ocupa de este servidor y no abre ninguno.";
    UnfitNoRecord: "{} needs a health record, and this account has none.", "{} necesita un expediente de salud, y esta cuenta no tiene ninguno.";
    UnfitOtherPerson: "{} was opened for somebody else. Sign in as the person who opened it.",
        "{} se abrió para otra persona. Inicie sesión como la persona que la abrió.";
    UnfitLaunchOver: "What {} was opened with no longer holds: the patient is not in your care, or the visit is not theirs. Open it again from the chart.",
        "Lo que {} traía al abrirse ya no vale: el paciente no está a su cargo, o la visita no es suya. Ábrala de nuevo desde el expediente.";
    BackToApp: "Go back to the app", "Volver a la aplicación";

    AppErrorTitle: "The app’s request cannot be used", "La solicitud de la aplicación no se puede usar";
    AppErrorLead: "Nothing was shared. Please tell whoever makes the app; the details below are for them.",
        "No se compartió nada. Avise a quien hace la aplicación; los detalles de abajo son para esa persona.";
    LostTitle: "This sign-in has ended", "Este inicio de sesión terminó";
    LostLead: "A sign-in lasts ten minutes and stays in one browser. Nothing was shared. Go back to the app and start again.",
        "Un inicio de sesión dura diez minutos y vale en un solo navegador. No se compartió nada. Vuelva a la aplicación y empiece de nuevo.";
    UnavailableTitle: "The server cannot do this at the moment", "El servidor no puede hacer esto en este momento";
    UnavailableLead: "Nothing was shared. Wait a moment and load the page again.",
        "No se compartió nada. Espere un momento y vuelva a cargar la página.";
    SignedOutTitle: "You are signed out", "Ha cerrado la sesión";
    SignedOutLead: "You can close this window.", "Puede cerrar esta ventana.";
    ForeignFormTitle: "This form came from another site", "Este formulario vino de otro sitio";
    ForeignFormLead: "For your safety it was not used. Nothing was shared. Go back to the app and start again.",
        "Por su seguridad no se usó. No se compartió nada. Vuelva a la aplicación y empiece de nuevo.";
    NoPageTitle: "There is no such page", "Esta página no existe";
    NoPageLead: "Check the address, or begin at the first page.", "Revise la dirección, o empiece en la página principal.";
    ForDevelopers: "For the app’s developer", "Para quien desarrolla la aplicación";

    StartTitle: "A gate in front of health records", "Una puerta delante de los expedientes de salud";
    StartLead: "Apps read health records here with the patient’s leave. Every answer is judged by policy, cut to its purpose and recorded before it leaves.",
        "Aquí las aplicaciones leen expedientes de salud con permiso del paciente. Cada respuesta se juzga según las reglas, se limita a su propósito y se registra antes de salir.";
    StartAddresses: "Addresses", "Direcciones";
    StartFhir: "FHIR base", "Base FHIR";
    StartCapability: "What is served", "Lo que se ofrece";
    StartSmart: "How apps sign in", "Cómo inician sesión las aplicaciones";
    StartErrors: "Error codes, explained", "Códigos de error, explicados";
    StartPeople: "People of this demonstration", "Personas de esta demostración";
    StartInvented: "All of them are invented, and so is everything in their records.",
        "Todas son inventadas, y también todo lo que hay en sus expedientes.";
    StartApps: "Registered apps", "Aplicaciones registradas";
    ColumnRecord: "Record", "Expediente";
    ColumnSecret: "Secret", "Secreto";
    ColumnRedirect: "Answered at", "Se responde en";
    None: "none", "ninguno";

    NotChecked: "{} (registered by itself, not checked)", "{} (registrada por sí misma, sin revisar)";
    AppByItself: "This app registered by itself. It was not checked by us, nor was who made it.",
        "Esta aplicación se registró por sí misma. No la hemos revisado, ni a quién la hizo.";
    RegisterTitle: "Register an app", "Registrar una aplicación";
    RegisterLead: "For developers of apps that patients use. The app is active at once. It can ask a patient for their own record, and for nothing else.",
        "Para quienes desarrollan aplicaciones que usan los pacientes. La aplicación queda activa de inmediato. Puede pedir a un paciente su propio expediente, y nada más.";
    RegisterName: "Name that people will see", "Nombre que verán las personas";
    RegisterAddresses: "Addresses where the app is answered (redirect_uris), one on each line",
        "Direcciones donde se responde a la aplicación (redirect_uris), una en cada línea";
    RegisterAddressesHow: "Whole https addresses, or http on 127.0.0.1, [::1] or localhost. They are compared letter for letter; only the port of the latter may change.",
        "Direcciones https completas, o http en 127.0.0.1, [::1] o localhost. Se comparan letra por letra; solo puede cambiar el puerto de estas últimas.";
    RegisterProof: "How the app proves that it is itself", "Cómo demuestra la aplicación quién es";
    ProofNothing: "It cannot keep a secret", "No puede guardar un secreto";
    ProofNothingDetail: "An app on a telephone, on a computer or in a browser. PKCE protects it.",
        "Una aplicación en un teléfono, en una computadora o en un navegador. PKCE la protege.";
    ProofSecret: "By a secret", "Con un secreto";
    ProofSecretDetail: "An app on a server. The secret is shown once.", "Una aplicación en un servidor. El secreto se muestra una sola vez.";
    ProofKeys: "By keys of its own", "Con claves propias";
    ProofKeysDetail: "An app on a server that signs with RS384 or ES384. Give its public keys below.",
        "Una aplicación en un servidor que firma con RS384 o ES384. Indique abajo sus claves públicas.";
    RegisterKeys: "Public keys: a JSON Web Key Set, or the https address where it is published",
        "Claves públicas: un JSON Web Key Set, o la dirección https donde se publica";
    RegisterCare: "People are told that the app registered by itself and was not checked by us.",
        "Se avisa a las personas de que la aplicación se registró por sí misma y no la hemos revisado.";
    RegisterDo: "Register the app", "Registrar la aplicación";
    RegisterTooMany: "Too many apps were registered from your network, or from all together. Try again later.",
        "Se registraron demasiadas aplicaciones desde su red, o entre todas. Inténtelo más tarde.";
    RegisterFull: "There is no room for more apps. Ask whoever runs this server.",
        "No hay lugar para más aplicaciones. Pregunte a quien opera este servidor.";
    RegisterNoName: "Enter a name of letters that people can read, of 60 characters at most.",
        "Escriba un nombre con letras que las personas puedan leer, de 60 caracteres como máximo.";
    RegisterNoAddress: "Enter 1 to 10 addresses, each on a line of its own.", "Escriba de 1 a 10 direcciones, cada una en su propia línea.";
    RegisterOddAddress: "One of the addresses cannot be used. Write it exactly as the app will send it, without # and without *.",
        "Una de las direcciones no se puede usar. Escríbala exactamente como la enviará la aplicación, sin # y sin *.";
    RegisterNoKeys: "Enter public keys for RS384 or ES384, each with a kid, or the https address where they are published.",
        "Escriba claves públicas para RS384 o ES384, cada una con un kid, o la dirección https donde se publican.";
    RegisteredTitle: "{} is active now", "{} ya está activa";
    RegisteredLead: "Copy what stands here into the app’s settings.", "Copie lo que aparece aquí en la configuración de la aplicación.";
    RegisteredOnce: "The secret and the token are shown this once. We keep only their digests and cannot tell them again.",
        "El secreto y el token se muestran una sola vez. Solo guardamos sus huellas y no podemos volver a mostrarlos.";
    RegisteredOn: "I have copied it", "Ya lo copié";

    ErrorDocTitle: "Error {}", "El error {}";
    ErrorDocMeaning: "What it means", "Qué significa";
    ErrorDocMend: "How to mend it", "Cómo arreglarlo";
    ErrorDocAll: "All error codes", "Todos los códigos de error";
    MeanInvalidRequest: "A parameter is missing, repeated, too long or malformed.",
        "Falta un parámetro, está repetido, es demasiado largo o está mal formado.";
    MendInvalidRequest: "Read error_description: it names the parameter. Send each one once. PKCE with code_challenge_method=S256 is required, and aud must be the FHIR base.",
        "Lea error_description: nombra el parámetro. Envíe cada uno una sola vez. Se exige PKCE con code_challenge_method=S256, y aud debe ser la base FHIR.";
    MeanInvalidClient: "The client is not known, is switched off, or did not prove itself.",
        "El cliente no se conoce, está desactivado o no demostró quién es.";
    MendInvalidClient: "A confidential client sends its secret by HTTP Basic or as client_secret, not both. A public client sends client_id alone.",
        "Un cliente confidencial envía su secreto por HTTP Basic o como client_secret, no ambos. Un cliente público envía solo client_id.";
    MeanInvalidGrant: "The code or the refresh token does not hold: it is not known, has run out, was used before, was revoked, or belongs to another client or address.",
        "El código o el token de renovación no vale: no se conoce, caducó, ya se usó, se revocó, o pertenece a otro cliente o dirección.";
    MendInvalidGrant: "Use each code once and within 60 seconds, with the same redirect_uri and the matching code_verifier. Keep only the newest refresh token. When in doubt, send the person to authorize again.",
        "Use cada código una sola vez y antes de 60 segundos, con la misma redirect_uri y el code_verifier que le corresponde. Guarde solo el token de renovación más nuevo. En caso de duda, pida a la persona que autorice de nuevo.";
    MeanUnauthorizedClient: "The client is not registered for what it tries.", "El cliente no está registrado para lo que intenta.";
    MendUnauthorizedClient: "Compare the request with the app’s registration. Of purpose_of_use, error_description names those that it is registered for.",
        "Compare la solicitud con el registro de la aplicación. De purpose_of_use, error_description nombra los que tiene registrados.";
    MeanUnsupportedGrantType: "The grant_type does not exist here.", "Ese grant_type no existe aquí.";
    MendUnsupportedGrantType: "Send authorization_code, refresh_token or client_credentials.",
        "Envíe authorization_code, refresh_token o client_credentials.";
    MeanUnsupportedResponseType: "The response_type does not exist here.", "Ese response_type no existe aquí.";
    MendUnsupportedResponseType: "Send response_type=code.", "Envíe response_type=code.";
    MeanInvalidScope: "Nothing that was asked for can be granted; or a refresh asked for more than was granted before.",
        "No se puede conceder nada de lo pedido; o una renovación pidió más de lo que se había concedido.";
    MendInvalidScope: "Compare scope with scopes_supported in smart-configuration and with the app’s registration. Ask for patient/ or user/ scopes that read, such as patient/Observation.rs.",
        "Compare scope con scopes_supported en smart-configuration y con el registro de la aplicación. Pida scopes patient/ o user/ de lectura, como patient/Observation.rs.";
    MeanAccessDenied: "The person did not allow the app, or left nothing ticked.",
        "La persona no permitió la aplicación, o no dejó nada marcado.";
    MendAccessDenied: "Respect it. Offer a way to try again when the person wishes.",
        "Respételo. Ofrezca una manera de intentarlo de nuevo cuando la persona quiera.";
    MeanInteractionRequired: "A page would have to be shown, and the app asked for none (prompt=none).",
        "Habría que mostrar una página, y la aplicación pidió que no se mostrara ninguna (prompt=none).";
    MendInteractionRequired: "Leave prompt out. To go on without the person, use offline_access and a refresh token.",
        "No envíe prompt. Para continuar sin la persona, use offline_access y un token de renovación.";
    MeanRequestNotSupported: "Request objects (request) are not read here.", "Aquí no se leen objetos de solicitud (request).";
    MendRequestNotSupported: "Send each parameter by itself, in the query or as a form.", "Envíe cada parámetro por separado, en la consulta o como formulario.";
    MeanRequestUriNotSupported: "Request objects are not fetched here (request_uri).", "Aquí no se descargan objetos de solicitud (request_uri).";
    MendRequestUriNotSupported: "Send each parameter by itself.", "Envíe cada parámetro por separado.";
    MeanServerError: "The server made a mistake.", "El servidor cometió un error.";
    MendServerError: "Try again. If it stays, tell the operator the time and the correlation id in the answer’s headers.",
        "Inténtelo de nuevo. Si sigue igual, indique al operador la hora y el id de correlación que aparece en los encabezados.";
    MeanTemporarilyUnavailable: "The server cannot serve at the moment.", "El servidor no puede atender en este momento.";
    MendTemporarilyUnavailable: "Try again after the seconds that Retry-After names.", "Inténtelo de nuevo tras los segundos que indica Retry-After.";
    MeanUnknownClient: "No app is registered under this client_id, or it was switched off.",
        "No hay ninguna aplicación registrada con este client_id, o está desactivada.";
    MendUnknownClient: "Compare client_id with the registration, letter for letter.",
        "Compare client_id con el registro, letra por letra.";
    MeanInvalidRedirectUri: "redirect_uri is missing or not registered for this app, so nobody was sent there.",
        "Falta redirect_uri o no está registrada para esta aplicación; por eso no se envió a nadie allí.";
    MendInvalidRedirectUri: "Send a registered address, letter for letter. Only the port of a loopback address (127.0.0.1, [::1], localhost) may change.",
        "Envíe una dirección registrada, letra por letra. Solo puede cambiar el puerto de una dirección local (127.0.0.1, [::1], localhost).";
    MeanFlowExpired: "The sign-in lasted longer than ten minutes, ended already, or was opened in another browser.",
        "El inicio de sesión duró más de diez minutos, ya terminó o se abrió en otro navegador.";
    MendFlowExpired: "Start the authorization again from the app. Cookies must be allowed for this server.",
        "Inicie de nuevo la autorización desde la aplicación. Este servidor necesita que se permitan las cookies.";
    MeanInvalidToken: "The token in the Authorization header is missing, has run out, was withdrawn, or is not ours.",
        "El token del encabezado Authorization falta, caducó, se retiró o no es nuestro.";
    MendInvalidToken: "Send Authorization: Bearer and the newest token. If it has run out, use the refresh token, or send the person to authorize again.",
        "Envíe Authorization: Bearer y el token más nuevo. Si caducó, use el token de renovación o pida a la persona que autorice de nuevo.";
    MeanInsufficientScope: "The token was not granted what this address asks for.",
        "El token no tiene concedido lo que esta dirección pide.";
    MendInsufficientScope: "Ask for the missing scope when the person authorizes. To learn who signed in, ask for openid.",
        "Pida el scope que falta cuando la persona autorice. Para saber quién inició sesión, pida openid.";
    MeanInvalidClientMetadata: "What the app says of itself to be registered does not hold.",
        "Lo que la aplicación dice de sí misma para registrarse no vale.";
    MendInvalidClientMetadata: "Read error_description: it names the member. Send JSON as of RFC 7591: client_name, redirect_uris, token_endpoint_auth_method, and keys with private_key_jwt alone.",
        "Lea error_description: nombra el dato. Envíe JSON según RFC 7591: client_name, redirect_uris, token_endpoint_auth_method, y claves solo con private_key_jwt.";
    IssueInvalid: "The request can be read, but not meant: a parameter or a value is not one that this server knows.",
        "La solicitud se puede leer, pero no entender: un parámetro o un valor no es de los que conoce este servidor.";
    MendIssueInvalid: "Read details.text; expression names the parameter. The supported ones stand in the server’s CapabilityStatement, under /fhir/metadata.",
        "Lea details.text; expression nombra el parámetro. Los admitidos están en el CapabilityStatement del servidor, en /fhir/metadata.";
    IssueStructure: "The request cannot be read: its path, its headers or its body have not the form that they must have.",
        "La solicitud no se puede leer: su ruta, sus encabezados o su cuerpo no tienen la forma debida.";
    MendIssueStructure: "Read details.text. Send plain paths without encoded characters, one Host, one length, and JSON or a form as the body.",
        "Lea details.text. Envíe rutas simples sin caracteres codificados, un solo Host, una sola longitud, y JSON o un formulario como cuerpo.";
    IssueLogin: "There is no access token with the request, or one that opens nothing: it is not ours, or its authorization was withdrawn.",
        "La solicitud no lleva token de acceso, o lleva uno que no abre nada: no es nuestro, o su autorización se retiró.";
    MendIssueLogin: "Send Authorization: Bearer and the newest access token. If it was withdrawn, send the person to authorize again.",
        "Envíe Authorization: Bearer y el token de acceso más nuevo. Si se retiró, pida a la persona que autorice de nuevo.";
    IssueExpired: "The access token has run out (401), or the page link has (410).",
        "El token de acceso caducó (401), o caducó el enlace de página (410).";
    MendIssueExpired: "With 401, use the refresh token, or authorize again. With 410, begin the search anew: its page links live for 15 minutes.",
        "Con 401, use el token de renovación o autorice de nuevo. Con 410, empiece otra vez la búsqueda: sus enlaces de página duran 15 minutos.";
    IssueForbidden: "The token holds, but its scopes or its purpose of use do not reach what is asked for.",
        "El token vale, pero sus scopes o su propósito de uso no alcanzan lo que se pide.";
    MendIssueForbidden: "Read details.text: it names the scope or the purpose. Ask for it when the person authorizes, within what the app is registered for.",
        "Lea details.text: nombra el scope o el propósito. Pídalo cuando la persona autorice, dentro de lo que la aplicación tiene registrado.";
    IssueNotFound: "There is no such resource for this token, or nothing at this address. Whether it exists for others is not told.",
        "No existe ese recurso para este token, o no hay nada en esta dirección. No se dice si existe para otros.";
    MendIssueNotFound: "Look at type and id, and at the patient in context. The types that are served stand in /fhir/metadata.",
        "Revise el tipo, el id y el paciente en contexto. Los tipos disponibles están en /fhir/metadata.";
    IssueNotSupported: "The method is not for this address (405), the format that is asked for cannot be given (406), or the body is of a type that is not read here (415).",
        "El método no es para esta dirección (405), el formato pedido no se puede dar (406), o el cuerpo es de un tipo que aquí no se lee (415).";
    MendIssueNotSupported: "With 405, see Allow. With 406, accept application/fhir+json. With 415, send the type that details.text names.",
        "Con 405, vea Allow. Con 406, acepte application/fhir+json. Con 415, envíe el tipo que nombra details.text.";
    IssueTooLong: "The body (413), the address (414) or the headers (431) are longer than they may be.",
        "El cuerpo (413), la dirección (414) o los encabezados (431) son más largos de lo permitido.";
    MendIssueTooLong: "Send less at once. A long search goes as POST to _search.",
        "Envíe menos de una vez. Una búsqueda larga va por POST a _search.";
    IssueTooCostly: "To answer this, too much would have to be looked at.",
        "Para responder esto habría que revisar demasiado.";
    MendIssueTooCostly: "Ask for less: name a patient, a code or a stretch of time.",
        "Pida menos: indique un paciente, un código o un período.";
    IssueThrottled: "Requests come too often.", "Las solicitudes llegan con demasiada frecuencia.";
    MendIssueThrottled: "Wait as many seconds as Retry-After says, then go on more slowly.",
        "Espere los segundos que indica Retry-After y continúe más despacio.";
    IssueTimeout: "The record server behind this one did not answer in time.",
        "El servidor de expedientes que está detrás de este no respondió a tiempo.";
    MendIssueTimeout: "Try again a little later, with the same request.", "Inténtelo de nuevo un poco más tarde, con la misma solicitud.";
    IssueTransient: "The record server behind this one is down or gave no usable answer (502), or this server is stopping or full (503).",
        "El servidor de expedientes que está detrás de este no funciona o no dio una respuesta útil (502), o este servidor se está deteniendo o está lleno (503).";
    MendIssueTransient: "Try again later; where Retry-After is there, after as many seconds.",
        "Inténtelo más tarde; si está Retry-After, tras esos segundos.";
    IssueNoStore: "Disclosures cannot be recorded at the moment, and what cannot be recorded is not disclosed.",
        "En este momento no se pueden registrar las entregas, y lo que no se puede registrar no se entrega.";
    MendIssueNoStore: "Try again after the seconds that Retry-After names. If it stays, tell the operator.",
        "Inténtelo de nuevo tras los segundos que indica Retry-After. Si sigue igual, avise al operador.";
    IssueException: "The server made a mistake while it answered.", "El servidor cometió un error al responder.";
    MendIssueException: "Try again. If it stays, tell the operator the id in the answer’s X-Correlation-Id.",
        "Inténtelo de nuevo. Si sigue igual, indique al operador el id de X-Correlation-Id de la respuesta.";
    ErrorDocIssues: "Codes of OperationOutcomes", "Códigos de OperationOutcome";
    CallsTitle: "Recent calls of your app", "Llamadas recientes de su aplicación";
    CallsLead: "Give the id of your app and the token that came with its registration. You see when it called, by which route, and what came of it; nothing of any record is kept here.",
        "Indique el id de su aplicación y el token que recibió al registrarla. Verá cuándo llamó, por qué ruta y con qué resultado; aquí no se guarda nada de ningún expediente.";
    CallsUnknown: "There is no such app, or this is not the token of its registration.",
        "No existe esa aplicación, o este no es el token de su registro.";
    CallsNone: "No call of it is kept. Calls are kept in memory, the latest hundred of each app.",
        "No se conserva ninguna llamada suya. Se conservan en memoria las últimas cien de cada aplicación.";
    CallsWhen: "When (UTC)", "Cuándo (UTC)";
    CallsWhat: "Call", "Llamada";
    CallsAnswer: "Answer", "Respuesta";
    CallsCorrelation: "Correlation id", "Id de correlación";
    CallsShow: "Show the calls", "Mostrar las llamadas";

    SandboxTitle: "Let something go wrong", "Hacer que algo falle";
    SandboxLead: "Choose what your app is to meet. From its next call on it gets exactly the answer that it would get in earnest, until you choose otherwise.",
        "Elija con qué debe encontrarse su aplicación. Desde su próxima llamada recibe exactamente la respuesta que recibiría de verdad, hasta que elija otra cosa.";
    SandboxWays: "Other pages for developers", "Otras páginas para desarrolladores";
    SandboxWhat: "What goes wrong", "Qué falla";
    SandboxCare: "This is a sandbox: nobody in it exists. On a server with real records there is no such page.",
        "Esto es un entorno de pruebas: nadie en él existe. En un servidor con expedientes reales no existe esta página.";
    SandboxDo: "Apply", "Aplicar";
    SandboxChosen: "Done. The next calls of your app meet it.", "Listo. Las próximas llamadas de su aplicación lo encontrarán.";
    SandboxNothing: "Done. Nothing goes wrong for your app.", "Listo. Nada falla para su aplicación.";
    MishapNone: "Nothing", "Nada";
    MishapClientId: "Authorization: the client id is not known", "Autorización: el client id no se conoce";
    MishapRedirectUri: "Authorization: the redirect address is not registered", "Autorización: la dirección de retorno no está registrada";
    MishapScope: "Authorization: no scope can be granted", "Autorización: no se puede conceder ningún scope";
    MishapSecret: "Token: the client proves itself wrongly", "Token: el cliente no se identifica bien";
    MishapCode: "Token: code or refresh token are not known", "Token: el código o el token de renovación no se conocen";
    MishapRefreshExpired: "Token: the refresh token has run out", "Token: el token de renovación caducó";
    MishapRegistration: "Registration: its token does not hold", "Registro: su token no vale";
    MishapTokenScope: "Token: more scope is asked for than granted", "Token: se pide más scope del concedido";
    MishapJti: "Token: the assertion was used before", "Token: la aserción ya se usó";
    MishapTokenInvalid: "Records: the access token is not ours", "Expedientes: el token de acceso no es nuestro";
    MishapTokenExpired: "Records: the access token has run out", "Expedientes: el token de acceso caducó";
    MishapThrottled: "Records: too many requests (429)", "Expedientes: demasiadas solicitudes (429)";
    MishapRevoked: "Everywhere: the person stopped the app", "En todas partes: la persona detuvo la aplicación";
    MishapPurpose: "Records: the purpose of use is denied", "Expedientes: se deniega el propósito de uso";
    MishapUpstream: "Records: the record server is down (502)", "Expedientes: el servidor de expedientes no funciona (502)";

    TryTitle: "Try a launch, step by step", "Probar un inicio, paso a paso";
    TryLead: "This page plays an app: it asks to be authorized, redeems its code and reads a record. You see each request and each answer; of secrets only how they begin.",
        "Esta página hace de aplicación: pide autorización, canjea su código y lee un expediente. Verá cada solicitud y cada respuesta; de los secretos, solo cómo empiezan.";
    TryScope: "What it asks for", "Lo que pide";
    TryBegin: "Begin", "Empezar";
    TryAgain: "Begin again", "Empezar de nuevo";
    TryAuthorize: "1. The authorization request", "1. La solicitud de autorización";
    TryAuthorizeLead: "The app opens this address in the person’s browser. The verifier stays with the app; only its SHA-256 travels.",
        "La aplicación abre esta dirección en el navegador de la persona. El verificador se queda en la aplicación; solo viaja su SHA-256.";
    TryGo: "Go there, and sign in", "Ir allí e iniciar sesión";
    TryAnswered: "2. The answer at the redirect address", "2. La respuesta en la dirección de retorno";
    TryToken: "3. The token request", "3. La solicitud del token";
    TryRedeem: "Redeem the code", "Canjear el código";
    TryRead: "4. Reading the record", "4. La lectura del expediente";
    TryReadDo: "Read the patient", "Leer el paciente";
    TryRequest: "Request", "Solicitud";
    TryCurl: "The same with curl", "Lo mismo con curl";
    TryAnswer: "Answer", "Respuesta recibida";
    TryShortened: "Codes and tokens are shown shortened; here they stay with this server.",
        "Los códigos y tokens se muestran abreviados; aquí se quedan en este servidor.";
    TryOver: "This launch is not known any more. Begin again.", "Este inicio ya no se conoce. Empiece de nuevo.";
    TryRefused: "The answer is a refusal. What its code means stands under the link.",
        "La respuesta es un rechazo. El enlace explica qué significa su código.";

    AppReadAll: "All that it read, day by day", "Todo lo que leyó, día por día";
    FormerApp: "an app that is no longer registered", "una aplicación que ya no está registrada";
    AppReadTitle: "What {} read", "Lo que leyó {}";
    AppReadLead: "Counted by day and by kind of record, the newest first. What is read again is counted again.",
        "Contado por día y por tipo de dato, lo más reciente primero. Lo que se lee otra vez se cuenta otra vez.";
    AppReadFile: "Download this as a file", "Descargar esto como archivo";
    AppReadNone: "Nothing that is on record.", "Nada que conste.";
    AppReadFileNote: "From here on into the past, up to {} reads: a text file with a line for each day and kind.",
        "Desde aquí hacia el pasado, hasta {} lecturas: un archivo de texto con una línea por día y tipo.";
    AppsFile: "Download your apps as a file", "Descargar sus aplicaciones como archivo";
    AppsFileNote: "A text file with a line for each app: what it may see, since when, until when, and what it read lately.",
        "Un archivo de texto con una línea por aplicación: qué puede ver, desde cuándo, hasta cuándo y qué leyó últimamente.";
    AppsBack: "Back to your apps", "Volver a sus aplicaciones";
}

/// Under which heading of the consent page a kind of record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    Person,
    Conditions,
    Labs,
    Medicines,
    Visits,
    Plans,
    Documents,
    Insurance,
    Providers,
    Origin,
    Other,
}

impl Category {
    /// In the order of the page.
    pub(crate) const ALL: [Category; 11] = [
        Category::Person,
        Category::Conditions,
        Category::Labs,
        Category::Medicines,
        Category::Visits,
        Category::Plans,
        Category::Documents,
        Category::Insurance,
        Category::Providers,
        Category::Origin,
        Category::Other,
    ];

    pub(crate) fn heading(self) -> Text {
        match self {
            Category::Person => Text::CategoryPerson,
            Category::Conditions => Text::CategoryConditions,
            Category::Labs => Text::CategoryLabs,
            Category::Medicines => Text::CategoryMedicines,
            Category::Visits => Text::CategoryVisits,
            Category::Plans => Text::CategoryPlans,
            Category::Documents => Text::CategoryDocuments,
            Category::Insurance => Text::CategoryInsurance,
            Category::Providers => Text::CategoryProviders,
            Category::Origin => Text::CategoryOrigin,
            Category::Other => Text::CategoryOther,
        }
    }
}

/// The kinds of records that have words of their own: category, name, what is in it.
const KINDS: [(ResourceType, Category, Text, Text); 27] = [
    (ResourceType::Patient, Category::Person, Text::KindPatient, Text::KindPatientDetail),
    (ResourceType::RelatedPerson, Category::Person, Text::KindRelatedPerson, Text::KindRelatedPersonDetail),
    (ResourceType::Condition, Category::Conditions, Text::KindCondition, Text::KindConditionDetail),
    (
        ResourceType::AllergyIntolerance,
        Category::Conditions,
        Text::KindAllergyIntolerance,
        Text::KindAllergyIntoleranceDetail,
    ),
    (ResourceType::Observation, Category::Labs, Text::KindObservation, Text::KindObservationDetail),
    (ResourceType::DiagnosticReport, Category::Labs, Text::KindDiagnosticReport, Text::KindDiagnosticReportDetail),
    (ResourceType::Specimen, Category::Labs, Text::KindSpecimen, Text::KindSpecimenDetail),
    (
        ResourceType::MedicationRequest,
        Category::Medicines,
        Text::KindMedicationRequest,
        Text::KindMedicationRequestDetail,
    ),
    (
        ResourceType::MedicationDispense,
        Category::Medicines,
        Text::KindMedicationDispense,
        Text::KindMedicationDispenseDetail,
    ),
    (ResourceType::Medication, Category::Medicines, Text::KindMedication, Text::KindMedicationDetail),
    (ResourceType::Immunization, Category::Medicines, Text::KindImmunization, Text::KindImmunizationDetail),
    (ResourceType::Encounter, Category::Visits, Text::KindEncounter, Text::KindEncounterDetail),
    (ResourceType::Procedure, Category::Visits, Text::KindProcedure, Text::KindProcedureDetail),
    (ResourceType::ServiceRequest, Category::Visits, Text::KindServiceRequest, Text::KindServiceRequestDetail),
    (ResourceType::Device, Category::Visits, Text::KindDevice, Text::KindDeviceDetail),
    (ResourceType::CarePlan, Category::Plans, Text::KindCarePlan, Text::KindCarePlanDetail),
    (ResourceType::CareTeam, Category::Plans, Text::KindCareTeam, Text::KindCareTeamDetail),
    (ResourceType::Goal, Category::Plans, Text::KindGoal, Text::KindGoalDetail),
    (
        ResourceType::DocumentReference,
        Category::Documents,
        Text::KindDocumentReference,
        Text::KindDocumentReferenceDetail,
    ),
    (ResourceType::Binary, Category::Documents, Text::KindBinary, Text::KindBinaryDetail),
    (ResourceType::Coverage, Category::Insurance, Text::KindCoverage, Text::KindCoverageDetail),
    (ResourceType::Practitioner, Category::Providers, Text::KindPractitioner, Text::KindPractitionerDetail),
    (ResourceType::PractitionerRole, Category::Providers, Text::KindPractitionerRole, Text::KindPractitionerRoleDetail),
    (ResourceType::Organization, Category::Providers, Text::KindOrganization, Text::KindOrganizationDetail),
    (ResourceType::Location, Category::Providers, Text::KindLocation, Text::KindLocationDetail),
    (ResourceType::Provenance, Category::Origin, Text::KindProvenance, Text::KindProvenanceDetail),
    (ResourceType::AuditEvent, Category::Origin, Text::KindAuditEvent, Text::KindAuditEventDetail),
];

/// Where a kind stands on the page: in the order of the table above, kinds without words of their own last.
pub(crate) fn place_of(kind: ResourceType) -> usize {
    KINDS.iter().position(|(known, ..)| *known == kind).unwrap_or(KINDS.len())
}

/// Category, name and content of a kind of record; a kind without words of its own is named by its type.
pub(crate) fn of_kind(kind: ResourceType) -> (Category, Text, Option<Text>) {
    KINDS
        .iter()
        .find(|(known, ..)| *known == kind)
        .map_or((Category::Other, Text::KindOther, None), |(_, category, label, detail)| {
            (*category, *label, Some(*detail))
        })
}

/// Name and content of a part of a kind of record.
pub(crate) fn of_part(part: Part) -> (Text, Text) {
    match part {
        Part::ProblemList => (Text::PartProblemList, Text::PartProblemListDetail),
        Part::EncounterDiagnosis => (Text::PartEncounterDiagnosis, Text::PartEncounterDiagnosisDetail),
        Part::HealthConcern => (Text::PartHealthConcern, Text::PartHealthConcernDetail),
        Part::Laboratory => (Text::PartLaboratory, Text::PartLaboratoryDetail),
        Part::VitalSigns => (Text::PartVitalSigns, Text::PartVitalSignsDetail),
        Part::Imaging => (Text::PartImaging, Text::PartImagingDetail),
        Part::ClinicalTest => (Text::PartClinicalTest, Text::PartClinicalTestDetail),
        Part::Survey => (Text::PartSurvey, Text::PartSurveyDetail),
        Part::SocialHistory => (Text::PartSocialHistory, Text::PartSocialHistoryDetail),
        Part::Sdoh => (Text::PartSdoh, Text::PartSdohDetail),
    }
}

/// What a mishap is called on the page where it is chosen.
pub(crate) fn of_mishap(mishap: Mishap) -> Text {
    match mishap {
        Mishap::ClientId => Text::MishapClientId,
        Mishap::RedirectUri => Text::MishapRedirectUri,
        Mishap::Scope => Text::MishapScope,
        Mishap::Secret => Text::MishapSecret,
        Mishap::Code => Text::MishapCode,
        Mishap::RefreshExpired => Text::MishapRefreshExpired,
        Mishap::Registration => Text::MishapRegistration,
        Mishap::TokenScope => Text::MishapTokenScope,
        Mishap::Jti => Text::MishapJti,
        Mishap::TokenInvalid => Text::MishapTokenInvalid,
        Mishap::TokenExpired => Text::MishapTokenExpired,
        Mishap::Throttled => Text::MishapThrottled,
        Mishap::Revoked => Text::MishapRevoked,
        Mishap::Purpose => Text::MishapPurpose,
        Mishap::Upstream => Text::MishapUpstream,
    }
}

/// What an error code means, and how to mend it.
pub(crate) fn of_error(code: ErrorCode) -> (Text, Text) {
    match code {
        ErrorCode::InvalidRequest => (Text::MeanInvalidRequest, Text::MendInvalidRequest),
        ErrorCode::InvalidClient => (Text::MeanInvalidClient, Text::MendInvalidClient),
        ErrorCode::InvalidGrant => (Text::MeanInvalidGrant, Text::MendInvalidGrant),
        ErrorCode::UnauthorizedClient => (Text::MeanUnauthorizedClient, Text::MendUnauthorizedClient),
        ErrorCode::UnsupportedGrantType => (Text::MeanUnsupportedGrantType, Text::MendUnsupportedGrantType),
        ErrorCode::UnsupportedResponseType => (Text::MeanUnsupportedResponseType, Text::MendUnsupportedResponseType),
        ErrorCode::InvalidScope => (Text::MeanInvalidScope, Text::MendInvalidScope),
        ErrorCode::AccessDenied => (Text::MeanAccessDenied, Text::MendAccessDenied),
        ErrorCode::InteractionRequired => (Text::MeanInteractionRequired, Text::MendInteractionRequired),
        ErrorCode::RequestNotSupported => (Text::MeanRequestNotSupported, Text::MendRequestNotSupported),
        ErrorCode::RequestUriNotSupported => (Text::MeanRequestUriNotSupported, Text::MendRequestUriNotSupported),
        ErrorCode::ServerError => (Text::MeanServerError, Text::MendServerError),
        ErrorCode::TemporarilyUnavailable => (Text::MeanTemporarilyUnavailable, Text::MendTemporarilyUnavailable),
        ErrorCode::UnknownClient => (Text::MeanUnknownClient, Text::MendUnknownClient),
        ErrorCode::InvalidRedirectUri => (Text::MeanInvalidRedirectUri, Text::MendInvalidRedirectUri),
        ErrorCode::FlowExpired => (Text::MeanFlowExpired, Text::MendFlowExpired),
        ErrorCode::InvalidToken => (Text::MeanInvalidToken, Text::MendInvalidToken),
        ErrorCode::InsufficientScope => (Text::MeanInsufficientScope, Text::MendInsufficientScope),
        ErrorCode::InvalidClientMetadata => (Text::MeanInvalidClientMetadata, Text::MendInvalidClientMetadata),
    }
}

/// What the code of an OperationOutcome means, and how to mend it; nothing of one that is never sent.
pub(crate) fn of_issue(code: IssueCode) -> Option<(Text, Text)> {
    Some(match code {
        IssueCode::Invalid => (Text::IssueInvalid, Text::MendIssueInvalid),
        IssueCode::Structure => (Text::IssueStructure, Text::MendIssueStructure),
        IssueCode::Login => (Text::IssueLogin, Text::MendIssueLogin),
        IssueCode::Expired => (Text::IssueExpired, Text::MendIssueExpired),
        IssueCode::Forbidden => (Text::IssueForbidden, Text::MendIssueForbidden),
        IssueCode::NotFound => (Text::IssueNotFound, Text::MendIssueNotFound),
        IssueCode::NotSupported => (Text::IssueNotSupported, Text::MendIssueNotSupported),
        IssueCode::TooLong => (Text::IssueTooLong, Text::MendIssueTooLong),
        IssueCode::TooCostly => (Text::IssueTooCostly, Text::MendIssueTooCostly),
        IssueCode::Throttled => (Text::IssueThrottled, Text::MendIssueThrottled),
        IssueCode::Timeout => (Text::IssueTimeout, Text::MendIssueTimeout),
        IssueCode::Transient => (Text::IssueTransient, Text::MendIssueTransient),
        IssueCode::NoStore => (Text::IssueNoStore, Text::MendIssueNoStore),
        IssueCode::Exception => (Text::IssueException, Text::MendIssueException),
        IssueCode::Required
        | IssueCode::Value
        | IssueCode::Invariant
        | IssueCode::Security
        | IssueCode::Unknown
        | IssueCode::Suppressed
        | IssueCode::Processing
        | IssueCode::Duplicate
        | IssueCode::MultipleMatches
        | IssueCode::Deleted
        | IssueCode::CodeInvalid
        | IssueCode::Extension
        | IssueCode::BusinessRule
        | IssueCode::Conflict
        | IssueCode::LockError
        | IssueCode::Incomplete
        | IssueCode::Informational => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that are the same word in both languages.
    const SAME: [Text; 2] = [Text::ProductName, Text::ErrorTitle];

    #[test]
    fn every_text_stands_in_both_languages() {
        for text in Text::ALL {
            let [english, spanish] = Locale::ALL.map(|locale| text.say(locale));
            assert!(!english.trim().is_empty() && !spanish.trim().is_empty(), "{text:?}");
            assert_eq!(english.matches("{}").count(), spanish.matches("{}").count(), "{text:?}");
            assert_eq!(english.trim() == spanish.trim(), SAME.contains(text), "{text:?}");
            assert_eq!(english.ends_with('.'), spanish.ends_with('.'), "{text:?}");
        }
    }

    #[test]
    fn every_kind_that_is_served_has_words_of_its_own() {
        for name in [
            "Patient",
            "Practitioner",
            "PractitionerRole",
            "Organization",
            "Location",
            "Encounter",
            "Condition",
            "AllergyIntolerance",
            "Observation",
            "DiagnosticReport",
            "Specimen",
            "ServiceRequest",
            "MedicationRequest",
            "MedicationDispense",
            "Immunization",
            "Procedure",
            "CarePlan",
            "CareTeam",
            "Goal",
            "Device",
            "Coverage",
            "DocumentReference",
            "Binary",
            "Medication",
            "RelatedPerson",
            "Provenance",
        ] {
            let kind: ResourceType = name.parse().expect(name);
            assert!(of_kind(kind).2.is_some(), "{name}");
        }
        assert_eq!(of_kind(ResourceType::Account), (Category::Other, Text::KindOther, None));
    }
}
